"""Setaria turns model servers into an API platform."""

__version__ = "0.1.0"
