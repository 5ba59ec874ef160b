"""Command line: the program setaria."""
