"""Accounts: who may call, and the keys they call with."""
