"""Generate: the dialogues that the built-in model learns from, made by rule from word lists and chance."""
