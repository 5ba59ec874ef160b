"""Dialects: what raw models write as text."""
