"""Engine: the process that runs a local model."""
