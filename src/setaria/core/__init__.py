"""Core: values that have one meaning everywhere."""
