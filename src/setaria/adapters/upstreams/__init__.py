"""Upstreams: the model servers behind the platform."""
