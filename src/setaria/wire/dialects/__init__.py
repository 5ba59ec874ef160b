"""Dialects: what raw models write as text, read into events."""
