"""Tests of the Anthropic Messages protocol."""
