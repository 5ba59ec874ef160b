"""Sound and searches: what calls took beside their tokens."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Add the columns to calls and to the sums of days; what is there took none."""
    for table in ("calls", "rollups"):
        for name in ("audio_seconds", "searches"):
            op.add_column(table, sa.Column(name, sa.BigInteger, nullable=False, server_default="0"))
