"""Tests of the domain's rooms."""
