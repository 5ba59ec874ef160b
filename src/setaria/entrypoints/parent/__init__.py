"""Parent: the process that starts, watches and stops all others."""
