"""Retention: for how long calls are kept at the least."""

LEAST_DAYS = 35
"""A month, and a few days to look at it."""
