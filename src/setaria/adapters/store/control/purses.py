"""Purses: implements the ports PurseBook and RecallBook within one transaction."""

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    case,
    cast,
    delete,
    func,
    insert,
    literal_column,
    or_,
    select,
    update,
)

from setaria.adapters.store import worker_scripts
from setaria.adapters.store.control.changes import count_change
from setaria.adapters.store.control.script_player import dialect_of, play
from setaria.adapters.store.schema import allowances, entries, leases, recalls
from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance, AllowanceKind, Entry, EntryKind, EntryRow
from setaria.domain.ledger.purses import PURSE_KINDS, RECALL_LIFE_MS, SPENT_KINDS, Held, Purse

# In the order of the records' fields.
_ALLOWANCE = tuple(allowances.c[name] for name in Allowance.__struct_fields__)
_ENTRY = tuple(entries.c[name] for name in Entry.__struct_fields__)


class PurseTable:
    """What accounts have to spend, the ledger's entries, and recalls."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add_allowance(self, allowance: Allowance) -> None:
        """Insert a new allowance; a gift counts up the change counter: it comes before the cash that workers have."""
        self._connection.execute(insert(allowances).values(msgspec.structs.asdict(allowance)))
        if allowance.kind == "gift":
            count_change(self._connection)

    def lock_allowances(self, account_id: AccountId, kinds: tuple[AllowanceKind, ...]) -> list[Allowance]:
        """Give an account's allowances of these kinds, by id; nobody else changes them until the transaction ends.

        In the order of the ids, as everybody does who takes more than one, so that nobody waits in a ring.
        """
        question = (
            select(*_ALLOWANCE)
            .where(allowances.c.account_id == account_id, allowances.c.kind.in_(kinds))
            .order_by(allowances.c.id)
            .with_for_update()
        )
        return [Allowance(*row) for row in self._connection.execute(question)]

    def change_allowance(self, allowance: Allowance) -> None:
        """Write the new state of an allowance that this transaction has locked."""
        self._connection.execute(
            update(allowances)
            .where(allowances.c.id == allowance.id, allowances.c.account_id == allowance.account_id)
            .values(msgspec.structs.asdict(allowance))
        )

    def list_purses(
        self, account_id: AccountId, kinds: tuple[AllowanceKind, ...] = PURSE_KINDS, since_ms: int = 0
    ) -> list[Purse]:
        """List what an account has, or had since, with what workers hold of it: by kind, and as it ends."""
        held = (
            select(_whole(func.coalesce(func.sum(leases.c.amount), 0)))
            .where(leases.c.allowance_id == allowances.c.id)
            .scalar_subquery()
        )
        question = (
            select(*_ALLOWANCE, held)
            .where(allowances.c.account_id == account_id, allowances.c.kind.in_(kinds))
            .where(or_(allowances.c.ends_at_ms.is_(None), allowances.c.ends_at_ms > since_ms))
            .order_by(
                allowances.c.kind,
                case((allowances.c.ends_at_ms.is_(None), 1), else_=0),
                allowances.c.ends_at_ms,
                allowances.c.id,
            )
        )
        return [Purse(Allowance(*row[:-1]), row[-1]) for row in self._connection.execute(question)]

    def add_entry(self, entry: Entry) -> None:
        """Insert an entry; entries are never changed."""
        self._connection.execute(insert(entries).values(msgspec.structs.asdict(entry)))

    def list_entries(self, account_id: AccountId, limit: int) -> list[EntryRow]:
        """List an account's newest entries, newest first."""
        question = (
            select(*_ENTRY, allowances.c.kind)
            .join_from(entries, allowances, allowances.c.id == entries.c.allowance_id)
            .where(entries.c.account_id == account_id)
            .order_by(entries.c.id.desc())
            .limit(limit)
        )
        return [EntryRow(Entry(*row[:-1]), row[-1]) for row in self._connection.execute(question)]

    def sum_entries(self, account_id: AccountId, allowance_id: str, kinds: tuple[EntryKind, ...]) -> int:
        """Sum the entries of these kinds of an account's allowance."""
        question = select(_whole(func.coalesce(func.sum(entries.c.amount), 0))).where(
            entries.c.account_id == account_id, entries.c.allowance_id == allowance_id, entries.c.kind.in_(kinds)
        )
        return self._connection.execute(question).scalar_one()

    def begin_recall(self, account_id: AccountId) -> bool:
        """Call an account's leases home, and count up the change counter; False when another recall stands.

        The moment is by the database's clock: workers of any node hold the row against that.
        """
        of_account = recalls.c.account_id == account_id
        now_ms = literal_column(dialect_of(self._connection).now_ms, BigInteger)
        self._connection.execute(delete(recalls).where(of_account, recalls.c.at_ms < now_ms - RECALL_LIFE_MS))
        if self._connection.execute(select(recalls.c.at_ms).where(of_account)).first() is not None:
            return False
        self._connection.execute(insert(recalls).values(account_id=account_id, at_ms=now_ms))
        count_change(self._connection)
        return True

    def end_recall(self, account_id: AccountId) -> None:
        """End an account's recall, and count up the change counter."""
        self._connection.execute(delete(recalls).where(recalls.c.account_id == account_id))
        count_change(self._connection)

    def count_held(self, account_id: AccountId) -> Held:
        """Count what workers still hold of an account's money and credits, and its calls under way."""
        calls = func.sum(case((allowances.c.kind == "in_flight", leases.c.amount), else_=0))
        workers = func.count(func.distinct(case((allowances.c.kind.in_(SPENT_KINDS), leases.c.worker_id))))
        question = (
            select(workers, _whole(func.coalesce(calls, 0)))
            .join_from(leases, allowances, allowances.c.id == leases.c.allowance_id)
            .where(allowances.c.account_id == account_id, leases.c.amount > 0)
        )
        return Held(*self._connection.execute(question).one())

    def sweep(self, unseen_s: int) -> int:
        """Give up the workers that were not seen for so long, as workers do with each other; gives how many."""
        script = worker_scripts.sweep(dialect_of(self._connection), unseen_s * 1000)
        return play(self._connection, script)

    def sweep_all(self) -> int:
        """Give up every worker on the books, of which the caller knows that none lives; gives how many."""
        return play(self._connection, worker_scripts.sweep_all(dialect_of(self._connection)))


def _whole(total: ColumnElement[int]) -> ColumnElement[int]:
    return cast(total, BigInteger)  # in SQL: PostgreSQL sums integers to a decimal number
