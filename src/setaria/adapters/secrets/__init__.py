"""Secrets: where the server's secret ring is kept."""
