"""Tests of the parent."""
