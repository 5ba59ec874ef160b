"""Reasoning: the signature on what a model thought."""
