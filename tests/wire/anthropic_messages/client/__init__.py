"""Tests of the protocol as it is spoken to model servers."""
