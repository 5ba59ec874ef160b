"""Fakes: stand-ins for ports."""
