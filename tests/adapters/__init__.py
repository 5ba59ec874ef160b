"""Tests of the leaves."""
