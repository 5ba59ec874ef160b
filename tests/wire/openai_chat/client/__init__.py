"""Tests of Chat Completions as we speak it to model servers."""
