"""Ledger: what each call took, written once."""
