"""Store: SQLite or PostgreSQL."""
