"""Bootstrap: builds each process from the settings; knows all the others."""
