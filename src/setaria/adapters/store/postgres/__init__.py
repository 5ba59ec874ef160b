"""PostgreSQL on the hot path: asyncpg and prepared SQL."""
