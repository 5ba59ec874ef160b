"""Alerts: the ways by which alerts reach people."""
