"""Entrypoints: the ways to be driven, by programs, by people, by the operating system."""
