"""Evaluation: what the built-in model is asked, and how its answers are judged."""
