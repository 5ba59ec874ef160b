"""Schema: the tables, once for both engines.

Moments are integers, milliseconds since the epoch in UTC. Money is an integer, nano-units of the currency.

A call's id is kept as the 32 hex digits that everybody else sees (`x-request-id`, logs, `calls list`), not as 16 bytes:
one form everywhere is worth 32 bytes a row. On PostgreSQL it is compared byte by byte, as SQLite does, so that ids sort
by time on both and ranges of ids are ranges of time.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
)

_names = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=_names)

CallIdText = Text().with_variant(Text(collation="C"), "postgresql")

accounts = Table(
    "accounts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("status", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("email", Text, nullable=False, server_default=""),
    Column("billing", Text, nullable=False, server_default="prepaid"),
    Column("limits", Text, nullable=False, server_default="{}"),
)

# `rules` are a `KeyRules`, as JSON: nothing is ever asked about a part of it.
keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("lane", Text, nullable=False),
    Column("digest", LargeBinary, nullable=False, unique=True),
    Column("secret_id", Text, nullable=False),
    Column("last4", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger),
    Column("expires_at_ms", BigInteger),
    Column("disabled_at_ms", BigInteger),
    Column("last_used_at_ms", BigInteger),
    Column("subscription_id", Text, nullable=False, server_default=""),
    Column("rules", Text, nullable=False, server_default="{}"),
    Column("deleted_at_ms", BigInteger),
)

# No foreign keys: a call that was made is written whatever became of its key, and nothing is looked up for it.
# On PostgreSQL it is partitioned from the first day, because a full table can't be turned into a partitioned one in
# place. All rows go to `calls_rest` until ranges are made ahead of the time they cover.
calls = Table(
    "calls",
    metadata,
    Column("id", CallIdText, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("protocol", Text, nullable=False),
    Column("upstream", Text, nullable=False),
    Column("stream", Boolean(create_constraint=False), nullable=False),
    Column("status", Integer, nullable=False),
    Column("ending", Text, nullable=False),
    Column("counts_from", Text, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_input_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("charge_nano", BigInteger, nullable=False),
    Column("first_token_ms", BigInteger),
    Column("duration_ms", BigInteger, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("lane", Text, nullable=False, server_default="payg"),
    Column("subscription_id", Text, nullable=False, server_default=""),
    Column("price_id", Text, nullable=False, server_default=""),
    Column("charge_millicredits", BigInteger, nullable=False, server_default="0"),
    Column("charges", Text, nullable=False, server_default=""),
    Column("note", Text, nullable=False, server_default=""),
    Column("audio_seconds", BigInteger, nullable=False, server_default="0"),
    Column("searches", BigInteger, nullable=False, server_default="0"),
    Index(None, "account_id", "id"),
    sqlite_with_rowid=False,  # the table is its own index by id
    postgresql_partition_by="RANGE (id)",
)

# Everything that can be used up is a whole number here: cash and gifts (nano-units), plan credits (milli-credits),
# requests, tokens and calls in flight. For each row: available + its leases + spent - debt = granted.
# `period` is the moment at which the minute or window that the numbers stand for began, 0 where there is none.
allowances = Table(
    "allowances",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("period", BigInteger, nullable=False),
    Column("available", BigInteger, nullable=False),
    Column("granted", BigInteger, nullable=False),
    Column("spent", BigInteger, nullable=False),
    Column("debt", BigInteger, nullable=False),
    Column("ends_at_ms", BigInteger),
    UniqueConstraint("account_id", "kind", "scope", "period"),
)

# A worker process, from its start or from its last awakening on: a worker that was given up comes back as another one.
# `trade` numbers the last exchange of leases with it and `traded` is what came of it, as JSON: an exchange whose reply
# was lost is asked for again and does nothing.
workers = Table(
    "workers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("node", Text, nullable=False),
    Column("started_at_ms", BigInteger, nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    Column("trade", BigInteger, nullable=False, server_default="0"),
    Column("traded", Text, nullable=False, server_default=""),
)

# What a worker holds of an allowance and has not settled yet. No foreign key to `workers`: a sweep deletes both.
leases = Table(
    "leases",
    metadata,
    Column("worker_id", Text, nullable=False),
    Column("allowance_id", Text, nullable=False, index=True),
    Column("period", BigInteger, nullable=False),
    Column("amount", BigInteger, nullable=False),
    PrimaryKeyConstraint("worker_id", "allowance_id", "period"),
)

# Accounts whose leases are called home: no worker admits a call of theirs on money or credits while the row stands.
recalls = Table(
    "recalls",
    metadata,
    Column("account_id", Text, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
)

# The movements that are no calls; rows are only ever inserted. `amount` is in the unit of the allowance's kind.
entries = Table(
    "entries",
    metadata,
    Column("id", CallIdText, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("allowance_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("actor", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("reference", Text, nullable=False),
    Index(None, "account_id", "id"),
    Index(None, "allowance_id"),
)

# A version of what a model costs from one moment on: its price (`payg`) or the rate of plans (`plan`); `entry` is a
# `Tariff`, as JSON.
prices = Table(
    "prices",
    metadata,
    Column("id", Text, primary_key=True),
    Column("lane", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("from_ms", BigInteger, nullable=False),
    Column("entry", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    UniqueConstraint("lane", "model", "from_ms"),
)

# What is sold beside single calls: `plan/TIER`, `off_peak`, `currency`, `search`; `entry` is JSON.
tariffs = Table(
    "tariffs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

# `terms` is the tier as it was when it was bought, as JSON. `anchor_day` is the day of the month that renewals keep.
subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("tier", Text, nullable=False),
    Column("terms", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("anchor_day", Integer, nullable=False),
    Column("starts_at_ms", BigInteger, nullable=False),
    Column("ends_at_ms", BigInteger, nullable=False),
    Column("renews", Boolean(create_constraint=False), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

# A redeem code is kept as a keyed digest, like a key.
codes = Table(
    "codes",
    metadata,
    Column("digest", LargeBinary, primary_key=True),
    Column("batch", Text, nullable=False, index=True),
    Column("last4", Text, nullable=False),
    Column("amount_nano", BigInteger, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger),
    Column("redeemed_at_ms", BigInteger),
    Column("redeemed_by", Text),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("account_id", Text, ForeignKey("accounts.id"), nullable=False, index=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("kind", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("sent_at_ms", BigInteger),
    UniqueConstraint("account_id", "kind", "subject", "level"),
)

# Calls that the books could not take as they were, and odd counts of upstreams; `entry` is JSON.
quarantine = Table(
    "quarantine",
    metadata,
    Column("call_id", CallIdText, primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("reason", Text, nullable=False),
    Column("entry", Text, nullable=False),
)

# Sums of the calls of one day (UTC), which stay when the calls themselves are dropped.
rollups = Table(
    "rollups",
    metadata,
    Column("day", Text, nullable=False),
    Column("account_id", Text, nullable=False),
    Column("key_id", Text, nullable=False),
    Column("model", Text, nullable=False),
    Column("calls", BigInteger, nullable=False),
    Column("input_tokens", BigInteger, nullable=False),
    Column("cached_input_tokens", BigInteger, nullable=False),
    Column("cache_write_tokens", BigInteger, nullable=False),
    Column("output_tokens", BigInteger, nullable=False),
    Column("reasoning_tokens", BigInteger, nullable=False),
    Column("charge_nano", BigInteger, nullable=False),
    Column("charge_millicredits", BigInteger, nullable=False),
    Column("audio_seconds", BigInteger, nullable=False, server_default="0"),
    Column("searches", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("day", "account_id", "key_id", "model"),
)

# What commands have added to the catalog. An entry is kept whole, as JSON: nothing is ever asked about a part of it,
# and a new setting needs no new column. Keys are not in it, only the variable or the file that holds one.
upstreams = Table(
    "upstreams",
    metadata,
    Column("name", Text, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

models = Table(
    "models",
    metadata,
    Column("id", Text, primary_key=True),
    Column("entry", Text, nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
)

# One row. Every worker reads the counter several times a second and drops what it has cached when it has moved.
changes = Table(
    "changes",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("counter", BigInteger, nullable=False),
)

# One row, empty until the first start.
installation = Table(
    "installation",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True),
    Column("secret_fingerprint", Text),
    Column("created_at_ms", BigInteger),
)
