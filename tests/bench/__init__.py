"""Benchmarks of the data plane alone."""
