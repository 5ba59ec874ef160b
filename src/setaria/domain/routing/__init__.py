"""Routing: which model server answers a call, and what is asked of it."""
