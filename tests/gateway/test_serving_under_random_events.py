"""Whole calls under random events, on a real database: whatever happens, the books prove themselves."""

import asyncio
import contextlib
import itertools
import shutil
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
)
from hypothesis.stateful import run_state_machine_as_test as run_machine

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.lease_book import LeaseTable
from setaria.adapters.store.migrate import upgrade
from setaria.bootstrap.record_books import Books, make_books
from setaria.core.clock import SystemClock
from setaria.core.errors import UpstreamCut, UpstreamFailed, UpstreamTimeout
from setaria.core.events import Event, Finish, TextDelta, UsageReport
from setaria.core.protocol import ProtocolName
from setaria.core.secrets import SecretRing
from setaria.core.usage import Usage
from setaria.core.windows import WindowTimes
from setaria.domain.accounts.records import KeyRules
from setaria.domain.catalog.added import Fixed
from setaria.domain.ledger.proof import prove
from setaria.domain.ledger.tariff import PriceList, Tariff, Tariffs, charge
from setaria.domain.plans.offers import Offer, Window
from setaria.gateway import desk
from setaria.management.accounts import create_account, set_limits
from setaria.management.entries import Payment
from setaria.management.keys import KeyTerms, create_key
from setaria.management.plans import subscribe
from setaria.management.purse_keeping import keep_purses
from setaria.management.purses import give, top_up
from tests.adapters.store.samples import opened, write_rows
from tests.fakes.platform import SEEDLING
from tests.fakes.scripted_upstream import PAUSE, Step
from tests.gateway.calling import PROTOCOLS
from tests.gateway.serving_site import Store, UnderWay, Worker
from tests.postgres import PostgresServer

T = TypeVar("T")
MILLION = 1_000_000
PRICES = PriceList(
    prices=(Tariff("price_1", SEEDLING.id, 1, input=3 * MILLION, cached_input=MILLION, output=7 * MILLION),),
    rates=(Tariff("rate_1", SEEDLING.id, 1, input=2 * MILLION, output=5 * MILLION),),
)
OFFER = Offer("lite", "Lite", 0, "month", 9_000, (Window(WindowTimes("5h", "rolling"), 6_000),))
RING = SecretRing({"ring1": b"s" * 32})
NODES = ("a", "b")
KEYS = ("plain", "capped", "plan", "postpaid")

said = st.integers(0, 700).map(lambda tokens: tuple([TextDelta("a ")] * tokens))
counted = st.builds(
    Usage, st.integers(0, 40), st.integers(0, 20), st.integers(0, 5), st.integers(0, 1500), audio_seconds=st.just(0)
)
ends: st.SearchStrategy[Step] = st.one_of(
    counted.map(lambda usage: (Finish("stop"), UsageReport(usage, "upstream"))),
    counted.map(lambda usage: (Finish("length"), UsageReport(usage, "estimate"))),
    st.sampled_from([UpstreamFailed("it broke"), UpstreamCut("it was cut"), UpstreamTimeout("it was silent")]),
)


class Wanted(NamedTuple):
    """A call: whose, in which protocol, what its upstream plays, and whether it is a stream."""

    key: str
    protocol: ProtocolName
    script: tuple[Step, ...]
    stream: bool


def script_of(pieces: list[tuple[Event, ...]], end: Step) -> tuple[Step, ...]:
    """Say the pieces with a pause after each, then end."""
    script: list[Step] = []
    for piece in pieces:
        script += (piece, PAUSE)
    return (*script, end)


scripts = st.builds(script_of, st.lists(said, max_size=2), ends)
wanted = st.builds(Wanted, st.sampled_from(KEYS), st.sampled_from(PROTOCOLS), scripts, st.booleans())


async def _play(calls: Iterable[UnderWay]) -> None:
    for call in calls:
        call.go_on()


class ServingMachine(RuleBasedStateMachine):
    """Two workers and four keys: of a prepaid account, one with a cap, one of a plan, and one of a postpaid account."""

    make_url: Callable[[], str]
    folder: Path
    under_way = Bundle("under_way")

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.url = type(self).make_url()
        self.spools = Path(self.folder, f"spool-{id(self)}")
        self.control = ControlStore(self.url)
        self.openings = [opened(self.url) for _ in NODES]
        self.stores = [self.do(opening.__aenter__()) for opening in self.openings]
        self.workers: dict[str, Worker] = {}
        self.calls: list[UnderWay] = []
        self.keys: dict[str, str] = {}

    def do(self, story: Coroutine[Any, Any, T]) -> T:  # whatever a coroutine is sent
        """Play something to its end, and a little of what goes on beside it."""

        async def whole() -> T:
            result = await story
            for _ in range(3):
                await asyncio.sleep(0.002)
            return result

        return self.loop.run_until_complete(whole())

    def act(self, action: Callable[[], object]) -> None:
        """Do what blocks, as another process does it: calls go on meanwhile."""
        self.do(asyncio.to_thread(action))

    @contextlib.contextmanager
    def begin_books(self) -> Iterator[Books]:
        """Open the books of people."""
        with self.control.begin() as tables:
            yield make_books(tables, Fixed(), SystemClock(), RING)

    @initialize()
    def found(self) -> None:
        """Make the accounts, and let both workers come."""
        with self.begin_books() as books:
            books.offers.put_offer(OFFER, 0)
            for name in ("ann", "bob"):
                billing = "prepaid" if name == "ann" else "postpaid"
                create_account(books.accounts, books.purses, books.clock, name, "", billing)  # type: ignore[arg-type]
                set_limits(books.accounts, name, None, {"rpm": 10_000, "in_flight": 3})
            top_up(books, "ann", Payment(8_000))
            self.keys["plain"] = create_key(books, "ann", "plain")[1]
            cap = KeyTerms(rules=KeyRules(cap_nano=3_000))
            self.keys["capped"] = create_key(books, "ann", "capped", cap)[1]
            self.keys["postpaid"] = create_key(books, "bob", "postpaid", cap)[1]
            self.keys["plan"] = subscribe(books, "ann", "lite", "month", "free")[1][1]
        for node, store in zip(NODES, self.stores, strict=True):
            self.workers[node] = Worker(store, self.spools, node, PRICES)
            self.do(self.workers[node].platform.desk.clerk.enter())

    @rule(target=under_way, node=st.sampled_from(NODES), wants=st.lists(wanted, min_size=1, max_size=4))
    def call(self, node: str, wants: list[Wanted]) -> "MultipleResults[UnderWay]":
        """Calls begin at once, and their answers, up to the first pause."""

        async def begin() -> list[UnderWay]:
            worker = self.workers[node]
            return [worker.begin(self.keys[want.key], want.protocol, want.script, stream=want.stream) for want in wants]

        made = self.do(begin())
        self.calls += made
        return multiple(*made)

    @rule(target=under_way, node=st.sampled_from(NODES), want=wanted)
    def call_to_the_end(self, node: str, want: Wanted) -> "MultipleResults[UnderWay]":
        """A call is made and answered."""
        made = self.call(node, [want])
        for _ in want.script:
            self.go_on_all(node)
        return made

    @rule(call=under_way)
    def go_on(self, call: UnderWay) -> None:
        """An answer goes on to its next pause or its end."""
        self.do(_play([call]))

    @rule(node=st.sampled_from(NODES))
    def go_on_all(self, node: str) -> None:
        """All answers of a worker go on, and end in the same moment."""
        self.do(_play([call for call in self.calls if call.worker is self.workers[node]]))

    @rule(call=under_way, how=st.sampled_from(["client leaves", "server stops"]))
    def break_off(self, call: UnderWay, how: str) -> None:
        """A client leaves, or the server's grace period is over."""

        async def tell() -> None:
            if how == "client leaves":
                call.client.leave()
            elif call.client.watcher is not None:
                call.client.watcher.shut_down()

        self.do(tell())

    @rule(amount=st.integers(1, 3_000), is_gift=st.booleans())
    def pay_in(self, amount: int, is_gift: bool) -> None:
        """Somebody pays in, or gives."""

        def pay() -> None:
            with self.begin_books() as books:
                if is_gift:
                    give(books, "ann", Payment(amount), books.clock.now_ms() + 3_600_000)
                else:
                    top_up(books, "ann", Payment(amount))

        self.act(pay)

    @rule(node=st.sampled_from(NODES))
    def look_after(self, node: str) -> None:
        """A worker renews its row, returns what is idle, and replays the spools."""
        self.do(self.workers[node].look_after())

    @rule(node=st.sampled_from(NODES), what=st.sampled_from(["trades", "settlements"]), is_done=st.booleans())
    def lose_replies(self, node: str, what: str, is_done: bool) -> None:
        """The next trades or settlements of a worker are done without its knowing, or not done; calls are spooled."""
        worker = self.workers[node]
        line = worker.line if what == "trades" else worker.ledger
        if is_done:
            line.loses = 2
        else:
            line.fails = 2

    @rule()
    def end_gifts(self) -> None:
        """Gifts end, whoever holds something of them; their entries are written, and what they owe is paid."""

        def end() -> None:
            write_rows(self.url, "UPDATE allowances SET ends_at_ms = 1 WHERE kind = 'gift'")
            keep_purses(self.begin_books)

        self.act(end)

    @rule(node=st.sampled_from(NODES), knows=st.booleans())
    def lose_leases(self, node: str, knows: bool) -> None:
        """A worker's leases are swept, and it does not know; or it is killed, its calls are lost, and another comes."""
        worker = self.workers[node]
        if knows:
            worker.cut()
            self.workers[node] = Worker(self.stores[NODES.index(node)], self.spools, node, PRICES)
            self.do(self.workers[node].platform.desk.clerk.enter())
        else:
            worker_id = worker.platform.desk.clerk.worker_id
            forget = f"UPDATE workers SET seen_at_ms = 0 WHERE id = '{worker_id}'"
            self.act(lambda: write_rows(self.url, forget))
            self.do(LeaseTable(self.stores[0]).sweep(60))

    @invariant()
    def the_books_prove_themselves(self) -> None:
        """Every rule of `setaria ledger verify`; each call costs what its tokens cost, in its lane."""
        with self.control.read() as books:
            assert prove(books.read_books()).faults == ()
            tariffs = Tariffs()
            tariffs.renew(PRICES)
            for row in books.list_calls(None, 1_000):
                call = row.call
                tariff = tariffs.find_version(call.price_id)
                assert tariff is not None
                assert charge(tariff, call.usage, call.at_ms) == call.charge_nano + call.charge_millicredits
                assert (call.charge_millicredits == 0) if call.lane == "payg" else (call.charge_nano == 0)

    def teardown(self) -> None:
        """Let all calls end, and put everything on the books: each whole answer is there, once, and nothing is held."""
        with contextlib.ExitStack() as stack:
            stack.callback(self.loop.close)
            stack.callback(self.control.close)
            for opening in self.openings:
                stack.callback(self._close, opening)
            if self.workers:
                self.do(self._finish())
                self._judge()

    def _close(self, opening: AbstractAsyncContextManager[Store]) -> None:
        self.do(opening.__aexit__(None, None, None))

    async def _finish(self) -> None:
        alive = [call for call in self.calls if not call.worker.line.is_cut]
        for worker in self.workers.values():
            for line in (worker.line, worker.ledger):
                line.loses = line.fails = 0
        while running := [call for call in alive if not call.task.done()]:
            for call in running:
                call.go_on()
            await asyncio.wait([call.task for call in running], timeout=0.02)
        for worker in self.workers.values():
            await worker.look_after()
            await worker.platform.desk.clerk.leave()
        left = asyncio.all_tasks() - {asyncio.current_task()}  # of workers that were killed
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1)

    def _judge(self) -> None:
        self.the_books_prove_themselves()
        with self.control.read() as books:
            allowances = books.read_books().allowances
            assert [each for each in allowances if each.available + each.spent - each.debt != each.granted] == []
            rows = [row.call.id for row in books.list_calls(None, 1_000)]
        assert {call.id for call in self.calls if call.is_whole} <= set(rows)
        assert not [*self.spools.glob("*.spool"), *self.spools.glob("*.aside"), *self.spools.glob("*.damaged")]


def play(make_url: Callable[[], str], folder: Path, examples: int) -> None:
    """Play so many random stories, each on a database of its own."""
    machine = type("Machine", (ServingMachine,), {"make_url": staticmethod(make_url), "folder": folder})
    run_machine(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


@pytest.fixture(autouse=True)
def _haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody wait long for what others hold."""
    monkeypatch.setattr(desk, "PATIENCE_S", 0.02)
    monkeypatch.setattr(desk, "ASK_AGAIN_S", 0.01)


def test_calls_on_sqlite(tmp_path: Path) -> None:
    """In any order of calls, endings, payments, losses and deaths."""
    fresh = tmp_path / "fresh.db"
    upgrade(f"sqlite:///{fresh}")
    files = (tmp_path / f"{number}.db" for number in itertools.count())

    def make_url() -> str:
        return f"sqlite:///{shutil.copy(fresh, next(files))}"

    play(make_url, tmp_path, 25)


def test_calls_on_postgres(postgres_server: PostgresServer, upgraded_postgres: str, tmp_path: Path) -> None:
    """A few of the same."""
    play(lambda: postgres_server.create_database(upgraded_postgres), tmp_path, 4)
