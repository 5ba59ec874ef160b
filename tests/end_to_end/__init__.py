"""End to end: the platform as its users meet it."""
