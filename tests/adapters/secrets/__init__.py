"""Tests of the secret file."""
