"""HTTP: a pooled client for servers that speak HTTP/1.1."""
