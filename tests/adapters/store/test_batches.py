"""Group commit: natural batches, halves, and an answer for every row whatever happens."""

import asyncio
from collections.abc import Sequence

import pytest

from setaria.adapters.store.batches import BUSY_ROWS, FULL_ROWS, GATHER_S, GATHERS_TO_A_TRIAL, GroupCommit
from setaria.adapters.store.columns import CallValues, name_call_columns, values_from_call
from setaria.adapters.store.failures import RowRefused
from setaria.core.errors import Unavailable
from setaria.domain.ledger.records import Outcome
from tests.adapters.store.samples import make_call
from tests.fakes.waiting import until


async def pass_over(row: CallValues, reason: str) -> None:
    """Put a refused row aside where no test asks for it."""


def test_values_stand_under_their_columns() -> None:
    """A call's values are in the order of the columns, the usage laid flat."""
    call = make_call()
    row = dict(zip(name_call_columns(), values_from_call(call), strict=True))
    assert (call.id, "tokenizer", 19, 3, 1, 42, 7, 12_345, 1) == tuple(
        row[name]
        for name in (
            "id",
            "counts_from",
            "input_tokens",
            "cached_input_tokens",
            "cache_write_tokens",
            "output_tokens",
            "reasoning_tokens",
            "charge_nano",
            "attempts",
        )
    )


def test_rows_that_come_while_one_batch_is_written_are_the_next() -> None:
    """The first turn of the loop makes one batch; what comes during its commit makes the next."""
    batches: list[list[object]] = []

    async def run() -> None:
        late: list[asyncio.Future[Outcome]] = []

        async def commit(rows: Sequence[CallValues]) -> None:
            batches.append([row[0] for row in rows])
            if len(batches) == 1:
                late.extend(group.add((name,)) for name in "cd")

        group = GroupCommit(commit, pass_over)
        await asyncio.gather(*[group.add((name,)) for name in "ab"])
        await asyncio.gather(*late)

    asyncio.run(run())
    assert batches == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    "first, second, sizes", [(BUSY_ROWS, 1, [BUSY_ROWS, 3]), (BUSY_ROWS - 1, 1, [BUSY_ROWS - 1, 1, 2])]
)
def test_where_rows_come_fast_the_next_batch_waits_for_more(first: int, second: int, sizes: list[int]) -> None:
    """After a large batch the rows of the next turns go together, after a small one each turn's by themselves."""
    batches: list[int] = []

    async def run() -> None:
        late: list[asyncio.Future[Outcome]] = []

        async def commit(rows: Sequence[CallValues]) -> None:
            batches.append(len(rows))
            if len(batches) == 1:
                late.extend(group.add(("late",)) for _ in range(second))
                asyncio.get_running_loop().call_later(
                    0.0005, lambda: late.extend(group.add(("later",)) for _ in range(2))
                )

        group = GroupCommit(commit, pass_over)
        await asyncio.gather(*[group.add((name,)) for name in range(first)])
        await until(lambda: len(late) == second + 2)
        assert await asyncio.gather(*late) == ["written"] * (second + 2)

    asyncio.run(run())
    assert batches == sizes


def test_a_batch_waits_no_longer_than_for_the_rows_that_come() -> None:
    """Once so many rows have come in the whole time, the next batches begin with as many, at once; later it is tried
    again whether there are more.
    """
    batches: list[int] = []
    waits: list[float] = []

    async def run() -> None:
        loop = asyncio.get_running_loop()
        ended_s = loop.time()

        async def commit(rows: Sequence[CallValues]) -> None:
            nonlocal ended_s
            batches.append(len(rows))
            waits.append(loop.time() - ended_s)
            ended_s = loop.time()

        async def ask_for_ever() -> None:
            while len(batches) < GATHERS_TO_A_TRIAL + 2:
                await group.add(("row",))

        group = GroupCommit(commit, pass_over)
        await asyncio.gather(*[ask_for_ever() for _ in range(BUSY_ROWS)])

    asyncio.run(run())
    assert set(batches[:-1]) == {BUSY_ROWS}
    is_long = [wait_s >= GATHER_S * 0.9 for wait_s in waits[1 : GATHERS_TO_A_TRIAL + 1]]
    assert (is_long[0], is_long[-1]) == (True, True)
    assert sum(is_long) <= GATHERS_TO_A_TRIAL // 2


def test_a_full_batch_waits_for_nothing() -> None:
    """With `FULL_ROWS` there is nothing to wait for, however fast rows come."""
    batches: list[int] = []

    async def run() -> float:
        late: list[asyncio.Future[Outcome]] = []

        async def commit(rows: Sequence[CallValues]) -> None:
            batches.append(len(rows))
            if len(batches) == 1:
                late.extend(group.add(("late",)) for _ in range(FULL_ROWS))

        group = GroupCommit(commit, pass_over)
        await asyncio.gather(*[group.add((name,)) for name in range(BUSY_ROWS)])
        turns = 0
        while len(batches) == 1:
            await asyncio.sleep(0)
            turns += 1
        await asyncio.gather(*late)
        return turns

    assert asyncio.run(run()) <= 1
    assert batches == [BUSY_ROWS, FULL_ROWS]


def test_a_refused_row_is_found_by_halves() -> None:
    """A batch with two bad rows is split until each stands alone; the good ones are written once."""
    written: list[object] = []
    refused: list[tuple[object, str]] = []

    async def commit(rows: Sequence[CallValues]) -> None:
        names = [row[0] for row in rows]
        if {"b", "g"}.intersection(names):
            raise RowRefused("why")
        written.extend(names)

    async def run() -> list[Outcome | BaseException]:
        async def put_aside(row: CallValues, reason: str) -> None:
            refused.append((row[0], reason))
            if row[0] == "g":
                raise RowRefused("this one not even there")

        group = GroupCommit(commit, put_aside)
        return await asyncio.gather(*[group.add((name,)) for name in "abcdefgh"], return_exceptions=True)

    outcomes = asyncio.run(run())
    assert list("acdefh") == written
    assert refused == [("b", "why"), ("g", "why")]
    assert outcomes[:6] == ["written", "quarantined"] + ["written"] * 4
    assert isinstance(outcomes[6], Unavailable)
    assert outcomes[7] == "written"


def test_a_defect_leaves_nobody_waiting() -> None:
    """Whatever error ends the writing, every row that waits is answered, and later ones are written."""

    async def run() -> list[object]:
        broken = [True]
        loop = asyncio.get_running_loop()
        told: list[object] = []
        loop.set_exception_handler(lambda _, context: told.append(type(context["exception"])))
        late: list[asyncio.Future[Outcome]] = []

        async def commit(rows: Sequence[CallValues]) -> None:
            if broken.pop() if broken else False:
                late.append(group.add(("late",)))
                raise ZeroDivisionError

        group = GroupCommit(commit, pass_over)
        outcomes: list[object] = []
        for future in (group.add(("a",)), group.add(("b",))):
            outcomes += await asyncio.gather(future, return_exceptions=True)
        outcomes += await asyncio.gather(*late, return_exceptions=True)
        outcomes += await asyncio.gather(group.add(("c",)), return_exceptions=True)
        await group.close()
        return [outcome if outcome == "written" else type(outcome) for outcome in outcomes]

    assert [Unavailable, Unavailable, Unavailable, "written"] == asyncio.run(run())


def test_a_hanging_commit_is_given_up_after_2_s() -> None:
    """Rows in a batch that hangs, rows behind it and new ones fail; when it ends after all, the group works again."""

    async def run() -> list[object]:
        hang = asyncio.Event()
        batches: list[int] = []

        async def commit(rows: Sequence[CallValues]) -> None:
            batches.append(len(rows))
            await hang.wait()

        group = GroupCommit(commit, pass_over)
        first = group.add(("a",))
        await asyncio.sleep(0)
        behind = group.add(("b",))
        outcomes = await asyncio.gather(first, behind, return_exceptions=True)
        with pytest.raises(Unavailable):
            await group.add(("c",))
        hang.set()
        await group.close()
        await group.add(("d",))
        return [*map(type, outcomes), batches]

    assert [Unavailable, Unavailable, [1, 1]] == asyncio.run(run())


def test_batches_and_the_queue_can_be_watched() -> None:
    """Rows count as queued until they are answered, and every batch tells its rows and its time."""
    told: list[tuple[int, float]] = []
    queued: list[int] = []

    async def run() -> None:
        async def commit(rows: Sequence[CallValues]) -> None:
            queued.append(group.queued)

        group = GroupCommit(commit, pass_over, lambda rows, duration_s: told.append((rows, duration_s)))
        first = [group.add((name,)) for name in "abc"]
        queued.append(group.queued)
        await asyncio.gather(*first)
        await group.add(("d",))
        queued.append(group.queued)

    asyncio.run(run())
    assert queued == [3, 3, 1, 0]
    assert [rows for rows, _ in told] == [3, 1]
    assert all(duration_s >= 0 for _, duration_s in told)
