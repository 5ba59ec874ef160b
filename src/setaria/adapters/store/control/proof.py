"""Proof: implements the port ProofBook within one transaction."""

from collections.abc import Iterator

from sqlalchemy import BigInteger, Connection, cast, func, select

from setaria.adapters.store.schema import accounts, allowances, calls, entries, leases
from setaria.core.clock import iso_from_ms
from setaria.core.ids import AccountId
from setaria.domain.ledger.allowances import Allowance, Entry
from setaria.domain.ledger.proof import Books, ChargedCall, UpstreamSum

_SLICE_ROWS = 5_000
_DAY_MS = 86_400_000
_DATE_LENGTH = 10


class ProofTable:
    """Everything that the books must prove of themselves."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read_books(self) -> Books:
        """Give what the rules compare; entries and calls are read while they are iterated, each once."""
        leased = self._connection.execute(
            select(leases.c.allowance_id, leases.c.period, func.sum(leases.c.amount)).group_by(
                leases.c.allowance_id, leases.c.period
            )
        )
        prepaid = self._connection.execute(select(accounts.c.id).where(accounts.c.billing == "prepaid"))
        columns = (allowances.c[name] for name in Allowance.__struct_fields__)
        return Books(
            allowances=tuple(Allowance(*row) for row in self._connection.execute(select(*columns))),
            leased={(row[0], row[1]): int(row[2]) for row in leased},
            entries=self.read_entries(None, 0, None),
            calls=self.read_charged_calls(None, 0, None),
            prepaid=frozenset(prepaid.scalars()),
        )

    def read_entries(self, account_id: AccountId | None, from_ms: int, to_ms: int | None) -> Iterator[Entry]:
        """Give the movements with from_ms <= at < to_ms, oldest first, of one account or with None of all."""
        question = select(*(entries.c[name] for name in Entry.__struct_fields__)).order_by(entries.c.id)
        question = question.where(entries.c.at_ms >= from_ms)
        if to_ms is not None:
            question = question.where(entries.c.at_ms < to_ms)
        if account_id is not None:
            question = question.where(entries.c.account_id == account_id)
        for row in self._connection.execute(question.execution_options(yield_per=_SLICE_ROWS)):
            yield Entry(*row)

    def read_charged_calls(
        self, account_id: AccountId | None, from_ms: int, to_ms: int | None
    ) -> Iterator[ChargedCall]:
        """Give the calls that cost something, likewise."""
        question = select(*(calls.c[name] for name in ChargedCall.__struct_fields__)).order_by(calls.c.id)
        question = question.where(
            calls.c.at_ms >= from_ms,
            (calls.c.charges != "") | (calls.c.charge_nano != 0) | (calls.c.charge_millicredits != 0),
        )
        if to_ms is not None:
            question = question.where(calls.c.at_ms < to_ms)
        if account_id is not None:
            question = question.where(calls.c.account_id == account_id)
        for row in self._connection.execute(question.execution_options(yield_per=_SLICE_ROWS)):
            yield ChargedCall(*row)

    def sum_by_upstream(self, upstream: str, from_ms: int, to_ms: int) -> list[UpstreamSum]:
        """Sum the calls of an upstream with from_ms <= at < to_ms by UTC day and model."""
        day = calls.c.at_ms // _DAY_MS
        sums = (
            cast(func.sum(calls.c[name]), BigInteger)  # in SQL: PostgreSQL sums integers to a decimal number
            for name in ("input_tokens", "cached_input_tokens", "cache_write_tokens", "output_tokens")
        )
        rows = self._connection.execute(
            select(day, calls.c.model, func.count(), *sums)
            .where(calls.c.upstream == upstream, calls.c.at_ms >= from_ms, calls.c.at_ms < to_ms)
            .group_by(day, calls.c.model)
            .order_by(day, calls.c.model)
        )
        return [
            UpstreamSum(
                iso_from_ms(row[0] * _DAY_MS)[:_DATE_LENGTH], row[1], row[2], row[3] + row[4] + row[5], row[4], row[6]
            )
            for row in rows
        ]
