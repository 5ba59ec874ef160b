"""Tests of the pooled HTTP client."""
