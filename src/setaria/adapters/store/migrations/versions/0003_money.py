"""Money: allowances and leases, the ledger's entries, prices, plans, codes, alerts, and what calls and keys gain."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

CALL_ID = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    """Make the tables; the operator's own account stays postpaid and without limits, all others become prepaid."""
    _widen_accounts_and_keys()
    _widen_calls()
    _create_allowances()
    _create_tariffs()
    _create_records()


def _text(name: str, default: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False, server_default=default)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text, nullable=False)


def _widen_accounts_and_keys() -> None:
    for column in (_text("email", ""), _text("billing", "prepaid"), _text("limits", "{}")):
        op.add_column("accounts", column)
    op.execute("""UPDATE accounts SET billing = 'postpaid', limits = '{"unlimited": true}' WHERE name = 'default'""")
    for name in ("expires_at_ms", "disabled_at_ms", "last_used_at_ms", "deleted_at_ms"):
        op.add_column("keys", sa.Column(name, sa.BigInteger))
    for column in (_text("subscription_id", ""), _text("rules", "{}")):
        op.add_column("keys", column)


def _widen_calls() -> None:
    for column in (
        _text("lane", "payg"),
        _text("subscription_id", ""),
        _text("price_id", ""),
        sa.Column("charge_millicredits", sa.BigInteger, nullable=False, server_default="0"),
        _text("charges", ""),
        _text("note", ""),
    ):
        op.add_column("calls", column)


def _create_allowances() -> None:
    op.create_table(
        "allowances",
        _words("id"),
        _words("account_id"),
        _words("kind"),
        _words("scope"),
        *(_number(name) for name in ("period", "available", "granted", "spent", "debt")),
        sa.Column("ends_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allowances")),
        sa.UniqueConstraint(
            "account_id", "kind", "scope", "period", name=op.f("uq_allowances_account_id_kind_scope_period")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_allowances_account_id")),
    )
    op.create_table(
        "workers",
        _words("id"),
        _words("node"),
        _number("started_at_ms"),
        _number("seen_at_ms"),
        sa.Column("trade", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("traded", sa.Text, nullable=False, server_default=""),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workers")),
    )
    op.create_table(
        "leases",
        _words("worker_id"),
        _words("allowance_id"),
        _number("period"),
        _number("amount"),
        sa.PrimaryKeyConstraint("worker_id", "allowance_id", "period", name=op.f("pk_leases")),
    )
    op.create_index(op.f("ix_leases_allowance_id"), "leases", ["allowance_id"])
    # Every account has its purse of cash from its first moment on; the id of one made here needs no chance.
    op.execute("""
        INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt)
        SELECT 'al_' || replace(id, 'acct_', ''), id, 'cash', '', 0, 0, 0, 0, 0 FROM accounts
    """)
    op.create_table(
        "recalls",
        _words("account_id"),
        _number("at_ms"),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_recalls")),
    )
    op.create_table(
        "entries",
        sa.Column("id", CALL_ID, nullable=False),
        _number("at_ms"),
        _words("account_id"),
        _words("allowance_id"),
        _words("kind"),
        _number("amount"),
        _words("actor"),
        _words("reason"),
        _words("reference"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entries")),
    )
    op.create_index(op.f("ix_entries_account_id_id"), "entries", ["account_id", "id"])
    op.create_index(op.f("ix_entries_allowance_id"), "entries", ["allowance_id"])


def _create_tariffs() -> None:
    op.create_table(
        "prices",
        _words("id"),
        _words("lane"),
        _words("model"),
        _number("from_ms"),
        _words("entry"),
        _number("created_at_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_prices")),
        sa.UniqueConstraint("lane", "model", "from_ms", name=op.f("uq_prices_lane_model_from_ms")),
    )
    op.create_table(
        "tariffs",
        _words("name"),
        _words("entry"),
        _number("created_at_ms"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tariffs")),
    )
    op.create_table(
        "subscriptions",
        _words("id"),
        _words("account_id"),
        _words("tier"),
        _words("terms"),
        _words("status"),
        sa.Column("anchor_day", sa.Integer, nullable=False),
        _number("starts_at_ms"),
        _number("ends_at_ms"),
        sa.Column("renews", sa.Boolean, nullable=False),
        _number("created_at_ms"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_subscriptions_account_id")),
    )
    op.create_index(op.f("ix_subscriptions_account_id"), "subscriptions", ["account_id"])
    op.create_table(
        "codes",
        sa.Column("digest", sa.LargeBinary, nullable=False),
        _words("batch"),
        _words("last4"),
        _number("amount_nano"),
        _number("created_at_ms"),
        sa.Column("expires_at_ms", sa.BigInteger),
        sa.Column("redeemed_at_ms", sa.BigInteger),
        sa.Column("redeemed_by", sa.Text),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_codes")),
    )
    op.create_index(op.f("ix_codes_batch"), "codes", ["batch"])


def _create_records() -> None:
    op.create_table(
        "alerts",
        _words("id"),
        _words("account_id"),
        _number("at_ms"),
        _words("kind"),
        _words("subject"),
        sa.Column("level", sa.Integer, nullable=False),
        sa.Column("sent_at_ms", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.UniqueConstraint(
            "account_id", "kind", "subject", "level", name=op.f("uq_alerts_account_id_kind_subject_level")
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_alerts_account_id")),
    )
    op.create_index(op.f("ix_alerts_account_id"), "alerts", ["account_id"])
    op.create_table(
        "quarantine",
        sa.Column("call_id", CALL_ID, nullable=False),
        _number("at_ms"),
        _words("reason"),
        _words("entry"),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_quarantine")),
    )
    op.create_table(
        "rollups",
        *(_words(name) for name in ("day", "account_id", "key_id", "model")),
        *(
            _number(name)
            for name in (
                "calls",
                "input_tokens",
                "cached_input_tokens",
                "cache_write_tokens",
                "output_tokens",
                "reasoning_tokens",
                "charge_nano",
                "charge_millicredits",
            )
        ),
        sa.PrimaryKeyConstraint("day", "account_id", "key_id", "model", name=op.f("pk_rollups")),
    )
