"""Training: how the built-in model `seedling` is made and measured; no part of the installed program."""
