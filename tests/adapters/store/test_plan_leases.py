"""Contract of the lease book for plans: terms and windows, the same on both engines."""

import asyncio

import pytest

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.lease_book import LeaseTable
from setaria.core.windows import WindowTimes
from setaria.domain.ledger.leases import Granted, Short, Want
from setaria.domain.plans.offers import Offer
from setaria.domain.plans.subscriptions import begin
from tests.adapters.store.samples import ACCOUNT, add_account_and_key, opened, read_rows, write_rows
from tests.adapters.store.test_leases import A, B, Store, Worker, tell

FIVE_HOURS_MS = 18_000_000
OFFER = Offer("lite", "Lite", 6, "month", 100)


@pytest.fixture(autouse=True)
def _plan(control: ControlStore) -> None:
    add_account_and_key(control)
    with control.begin() as books:
        books.add_subscription(begin("sub_1", ACCOUNT.id, OFFER, 1, 6))


def terms(url: str, *spans: tuple[str, int, int]) -> None:
    """Put terms of the plan there: id, and when they begin and end, in milliseconds from now."""
    now = int(str(read_rows(url, NOW[url.partition(":")[0]])[0][0]))
    write_rows(
        url,
        *(
            "INSERT INTO allowances (id, account_id, kind, scope, period, available, granted, spent, debt, ends_at_ms) "
            f"VALUES ('{name}', '{ACCOUNT.id}', 'plan', 'sub_1', {now + start}, 100, 100, 0, 0, {now + end})"
            for name, start, end in spans
        ),
    )


NOW = {
    "sqlite": "SELECT CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)",
    "postgresql": "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)",
}
PLAN = Want(ACCOUNT.id, "plan", "sub_1", 1, 10, is_new=True)
WINDOW = Want(ACCOUNT.id, "window", "sub_1/1/0", 1, 10, 40, is_new=True, times=WindowTimes("5h", "rolling"))


def test_a_call_is_paid_by_the_term_that_holds(url: str) -> None:
    """Neither by the one before, nor by one that is paid ahead."""
    terms(url, ("al_old", -90_000, -1_000), ("al_now", -1_000, 600_000), ("al_next", 600_000, 900_000))

    async def story(book: LeaseTable, store: Store) -> None:
        assert await Worker(book, A).ask(PLAN) == [("al_now", 12)]

    tell(url, story)


def test_a_plan_that_is_used_up_tells_its_end(url: str) -> None:
    """Nothing is there, and when it ends; without a term that holds there is no end to tell."""
    terms(url, ("al_now", -1_000, 600_000))

    async def story(book: LeaseTable, store: Store) -> None:
        big = Want(ACCOUNT.id, "plan", "sub_1", 101, 101, is_new=True)
        (short,) = await Worker(book, A).trade((big,))
        assert isinstance(short, Short)
        assert (short.want, short.left, short.ends_at_ms is not None) == (0, 100, True)
        (none,) = await Worker(book, B).trade((Want(ACCOUNT.id, "plan", "sub_2", 1, 1, is_new=True),))
        assert Short(0, 0, 0) == none

    tell(url, story)


def test_a_window_opens_with_the_first_call_that_wants_it(url: str) -> None:
    """For its length, once, whoever asks; together with the plan, all or none."""
    terms(url, ("al_now", -1_000, 10 * FIVE_HOURS_MS))

    async def story(book: LeaseTable, store: Store) -> None:
        one, other = Worker(book, A), Worker(book, B)
        (first, again) = await one.trade((PLAN, WINDOW), (PLAN, WINDOW))
        (second,) = await other.trade((PLAN, WINDOW))
        assert all(isinstance(answer, Granted) for answer in (first, again, second))
        (short,) = await one.trade((PLAN, Want(ACCOUNT.id, "window", "sub_1/1/0", 30, 30, 40, times=WINDOW.times)))
        assert isinstance(short, Short)
        assert (short.want, short.elsewhere) == (1, 10)

    tell(url, story)
    ((span, granted),) = read_rows(url, "SELECT ends_at_ms - period, granted FROM allowances WHERE kind = 'window'")
    assert (span, granted) == (FIVE_HOURS_MS, 40)
    assert read_rows(url, "SELECT COUNT(*) FROM allowances WHERE id = 'al_now' AND available < 100") == [(1,)]


def test_workers_that_ask_at_once_open_one_window(url: str) -> None:
    """However close they are."""
    terms(url, ("al_now", -1_000, 10 * FIVE_HOURS_MS))

    async def run() -> None:
        async with opened(url) as one, opened(url) as two:
            books = [LeaseTable(one), LeaseTable(two)]
            for book, name in zip(books, (A, B), strict=True):
                await book.enter(name, name)
            await asyncio.gather(
                *(Worker(book, name).trade((PLAN, WINDOW)) for book, name in zip(books, (A, B), strict=True))
            )

    asyncio.run(run())
    assert len(read_rows(url, "SELECT id FROM allowances WHERE kind = 'window'")) == 1


def test_a_window_that_is_over_is_followed_by_another(url: str) -> None:
    """The old one stays as it is, for calls that began in it."""
    terms(url, ("al_now", -1_000, 10 * FIVE_HOURS_MS))

    async def story(book: LeaseTable, store: Store) -> None:
        worker = Worker(book, A)
        await worker.ask(PLAN, WINDOW)
        write_rows(url, "UPDATE allowances SET ends_at_ms = period + 1 WHERE kind = 'window'")
        await asyncio.sleep(0.005)  # the database's own clock
        seen = Want(ACCOUNT.id, "window", "sub_1/1/0", 1, 10, 40, times=WINDOW.times)
        await worker.ask(PLAN, seen)

    tell(url, story)
    assert [
        (row[0], row[1]) for row in read_rows(url, "SELECT granted, available FROM allowances WHERE kind = 'window'")
    ] == [(40, 30), (40, 30)]
