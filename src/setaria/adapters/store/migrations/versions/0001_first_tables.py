"""First tables: accounts, keys, calls, the change counter and the installation's own row."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

CALL_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables, and the one row of `changes` and `installation`."""
    _create_accounts_and_keys()
    _create_calls()
    for table, columns in (
        ("changes", (sa.Column("counter", sa.BigInteger, nullable=False),)),
        ("installation", (sa.Column("secret_fingerprint", sa.Text), sa.Column("created_at_ms", sa.BigInteger))),
    ):
        op.create_table(
            table,
            sa.Column("id", sa.Integer, nullable=False, autoincrement=False),
            *columns,
            sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
            sa.CheckConstraint("id = 1", name=op.f(f"ck_{table}_one_row")),
        )
    op.execute("INSERT INTO changes (id, counter) VALUES (1, 0)")
    op.execute("INSERT INTO installation (id) VALUES (1)")


def _create_accounts_and_keys() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("name", name=op.f("uq_accounts_name")),
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("secret_id", sa.Text, nullable=False),
        sa.Column("last4", sa.Text, nullable=False),
        sa.Column("created_at_ms", sa.BigInteger, nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_keys_digest")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_keys_account_id")),
    )
    op.create_index(op.f("ix_keys_account_id"), "keys", ["account_id"])


def _create_calls() -> None:
    op.create_table(
        "calls",
        sa.Column("id", CALL_ID, nullable=False),
        sa.Column("at_ms", sa.BigInteger, nullable=False),
        sa.Column("account_id", sa.Text, nullable=False),
        sa.Column("key_id", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("protocol", sa.Text, nullable=False),
        sa.Column("upstream", sa.Text, nullable=False),
        sa.Column("stream", sa.Boolean, nullable=False),
        sa.Column("status", sa.Integer, nullable=False),
        sa.Column("ending", sa.Text, nullable=False),
        sa.Column("counts_from", sa.Text, nullable=False),
        sa.Column("input_tokens", sa.BigInteger, nullable=False),
        sa.Column("cached_input_tokens", sa.BigInteger, nullable=False),
        sa.Column("cache_write_tokens", sa.BigInteger, nullable=False),
        sa.Column("output_tokens", sa.BigInteger, nullable=False),
        sa.Column("reasoning_tokens", sa.BigInteger, nullable=False),
        sa.Column("charge_nano", sa.BigInteger, nullable=False),
        sa.Column("first_token_ms", sa.BigInteger),
        sa.Column("duration_ms", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sqlite_with_rowid=False,
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(op.f("ix_calls_account_id_id"), "calls", ["account_id", "id"])
    if op.get_context().dialect.name == "postgresql":
        op.execute("CREATE TABLE calls_rest PARTITION OF calls DEFAULT")
