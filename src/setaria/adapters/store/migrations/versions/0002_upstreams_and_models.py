"""Upstreams and models: what commands add to the catalog, each entry whole as JSON."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the two tables."""
    for table, key in (("upstreams", "name"), ("models", "id")):
        op.create_table(
            table,
            sa.Column(key, sa.Text, nullable=False),
            sa.Column("entry", sa.Text, nullable=False),
            sa.Column("created_at_ms", sa.BigInteger, nullable=False),
            sa.PrimaryKeyConstraint(key, name=op.f(f"pk_{table}")),
        )
