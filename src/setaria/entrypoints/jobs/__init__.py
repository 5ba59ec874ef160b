"""Jobs: what happens by itself, time after time."""
