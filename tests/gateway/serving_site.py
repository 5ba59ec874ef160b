"""Serving site: workers that serve whole calls over one real database, on lines that lose replies."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from setaria.adapters.store.lease_book import LeaseTable
from setaria.adapters.store.postgres.store import PostgresStore
from setaria.adapters.store.script import Rows, Say, Script
from setaria.adapters.store.spool import FileSpool
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.core.clock import SystemClock
from setaria.core.errors import SetariaError, Unavailable
from setaria.core.ids import CallId, new_call_id
from setaria.core.protocol import ProtocolName
from setaria.domain.catalog.model import Catalog
from setaria.domain.ledger.leases import Debit
from setaria.domain.ledger.records import CallRecord, Outcome
from setaria.domain.ledger.tariff import PriceList, Tariffs
from setaria.domain.routing.ports import ModelRequest, Sink
from setaria.domain.routing.router import Router
from setaria.gateway.desk import Desk
from setaria.gateway.key_cache import KeyCache
from setaria.gateway.plan_cache import PlanCache
from setaria.gateway.platform import Platform
from setaria.gateway.refuse import refuse
from setaria.gateway.serve import serve
from setaria.gateway.stages import Received
from tests.fakes.client import RecordingClient
from tests.fakes.log import FakeLog
from tests.fakes.meter import FakeMeter
from tests.fakes.platform import CODECS, SECRETS, SEEDLING
from tests.fakes.scripted_upstream import ScriptedAttempt, ScriptedUpstream, Step
from tests.gateway.calling import body_of

T = TypeVar("T")
Store = SqliteStore | PostgresStore


class BadLine:
    """Implements Engine: of `loses` of the next questions the reply is lost, `fails` are not done.

    Once it is cut it never answers, as to a process that was killed.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self.dialect = store.dialect
        self.loses = 0
        self.fails = 0
        self.is_cut = False

    async def play(self, script: Script[T]) -> T:
        return await self.carry(lambda: self.store.play(script))

    async def ask(self, question: Say) -> Rows:
        return await self.carry(lambda: self.store.ask(question))

    async def carry(self, do: Callable[[], Awaitable[T]]) -> T:
        """Do something over this line."""
        await self._wait_if_cut()
        if self.fails:
            self.fails -= 1
            raise Unavailable("the database is away", retry_after_s=1)
        result = await do()
        await self._wait_if_cut()
        if self.loses:
            self.loses -= 1
            raise Unavailable("the reply is lost", retry_after_s=1)
        return result

    async def _wait_if_cut(self) -> None:
        if self.is_cut:
            await asyncio.Event().wait()


class BadLedger(BadLine):
    """Implements Ledger likewise."""

    async def record(self, call: CallRecord, debits: tuple[Debit, ...] = (), oddity: str = "") -> Outcome:
        return await self.carry(lambda: self.store.record(call, debits, oddity))


class ScriptsByCall(ScriptedUpstream):
    """Plays to each call the script that was written for it."""

    def __init__(self) -> None:
        super().__init__()
        self.scripts: dict[CallId, Sequence[Step]] = {}

    def start(self, request: ModelRequest, sink: Sink) -> ScriptedAttempt:
        self.first = [self.scripts[request.call_id]]
        return super().start(request, sink)


class UnderWay(msgspec.Struct, eq=False):
    """A call that was made."""

    id: CallId
    worker: "Worker"
    client: RecordingClient
    task: "asyncio.Task[None]"

    def go_on(self) -> None:
        """Let its upstream say more."""
        for attempt in self.worker.upstream.attempts:
            if attempt.request.call_id == self.id:
                attempt.play()

    @property
    def is_whole(self) -> bool:
        """Whether the client has got all of its answer."""
        return self.client.status == 200 or b"[DONE]" in self.client.stream or b"message_stop" in self.client.stream


class Worker:
    """A worker process as calls see it: a real desk, spool and caches."""

    def __init__(self, store: Store, folder: Path, node: str, prices: PriceList) -> None:
        clock, log = SystemClock(), FakeLog()
        self.line, self.ledger = BadLine(store), BadLedger(store)
        self.spool = FileSpool(folder, node, self.ledger, log)
        self.upstream = ScriptsByCall()
        tariffs = Tariffs()
        tariffs.renew(prices)
        self.platform = Platform(
            keys=KeyCache(store, SECRETS),
            catalog=Catalog((SEEDLING,)),
            tariffs=tariffs,
            plans=PlanCache(store),
            router=Router(lambda: 0.5),
            upstreams={self.upstream.name: self.upstream},
            relays={},
            ledger=self.ledger,
            desk=Desk(LeaseTable(self.line), node, clock, log),
            spool=self.spool,
            clock=clock,
            log=log,
            meter=FakeMeter(),
            signing_secret=("ring1", b"k" * 32),
        )

    def begin(self, key: str, protocol: ProtocolName, script: Sequence[Step], *, stream: bool) -> UnderWay:
        """Begin to serve a call, to which the upstream will play this script."""
        clock = self.platform.clock
        client = RecordingClient(body_of(stream=stream, max_tokens=1500))
        call = Received(
            call_id=new_call_id(clock.now_ms()),
            codec=CODECS[protocol],
            credentials=(key,),
            at_ms=clock.now_ms(),
            started_s=clock.monotonic_s(),
            lane="plan" if key.startswith("tp-") else "payg",
        )
        self.upstream.scripts[call.call_id] = script
        task = asyncio.get_running_loop().create_task(self._answer(call, client))
        return UnderWay(call.call_id, self, client, task)

    async def _answer(self, call: Received, client: RecordingClient) -> None:
        try:
            await serve(call, client, self.platform)
        except SetariaError as error:
            refuse(error, call.codec, call.call_id, client)

    def cut(self) -> None:
        """End as a killed process does: nothing that it still does reaches anybody."""
        self.line.is_cut = self.ledger.is_cut = True

    async def look_after(self) -> None:
        """Do what a worker does every few seconds, and when anything has changed."""
        with contextlib.suppress(Unavailable):
            await self.platform.desk.clerk.renew()
            await self.platform.desk.renew()
        await self.platform.desk.tick()
        await self.spool.replay()
