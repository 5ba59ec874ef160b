"""Clients: real tools from the package registries, driven through the platform; `make clients` runs them."""
