"""API: the data plane's HTTP server."""
