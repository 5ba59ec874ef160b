"""Recall rows: the accounts whose leases are called home, as scripts read them."""

from collections.abc import Iterable, Sequence

from setaria.adapters.store.script import Dialect, Say
from setaria.core.ids import AccountId
from setaria.domain.ledger.purses import RECALL_LIFE_MS


def read_recalls(dialect: Dialect) -> Say:
    """Ask for the accounts whose leases are called home; a recall whose beginner has died stands no more."""
    return Say(
        f"SELECT account_id FROM recalls WHERE at_ms >= {dialect.now_ms} - CAST($1 AS BIGINT)",  # noqa: S608
        (RECALL_LIFE_MS,),
    )


def recalls_from_rows(rows: Iterable[Sequence[str]]) -> frozenset[AccountId]:
    """Read the rows of `read_recalls`."""
    return frozenset(AccountId(row[0]) for row in rows)
