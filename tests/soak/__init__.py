"""Soak: a really started server under mixed faults for minutes, and whether anything hangs, leaks or is lost.

`make soak` runs it; `MINUTES=`, `CLIENTS=` and `WORKERS=` change it.
"""
