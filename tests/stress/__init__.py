"""Stress: money under kills, a locked database and many clients at once."""
