"""Catalog: the models there are."""
