"""Tests of the settings' upstreams, models and keys."""
