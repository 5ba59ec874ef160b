"""SQLite on the hot path: one file, one writer thread, prepared SQL."""
