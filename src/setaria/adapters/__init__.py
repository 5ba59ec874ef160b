"""Adapters: the leaves that meet the outside world; bootstrap alone imports them."""
