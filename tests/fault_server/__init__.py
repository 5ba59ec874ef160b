"""Fault server: a scripted model server of both protocols that goes wrong as it is told to.

A scenario is written as the model's name, `CONTENT[:OPTION[=VALUE]]...`, such as `tools:gap_ms=5:usage=double`, or,
where the model's name is none, as an API key of the form `fault:CONTENT...`; `scenario.py` lists the options.
"""
