"""Tests of the ways to drive the platform."""
