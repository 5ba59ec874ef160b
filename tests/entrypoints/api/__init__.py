"""Tests of the data plane's server."""
