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
    Table,
    Text,
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
)

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
    Index(None, "account_id", "id"),
    sqlite_with_rowid=False,  # the table is its own index by id
    postgresql_partition_by="RANGE (id)",
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
