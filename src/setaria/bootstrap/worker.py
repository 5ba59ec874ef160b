"""Worker: builds and runs the process that answers API calls."""

import asyncio
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import msgspec

from setaria.adapters.secrets.file import read_ring
from setaria.adapters.store.reports import ReportTable
from setaria.adapters.telemetry.metrics import Metrics
from setaria.adapters.telemetry.shared import PERIOD_S as METRICS_PERIOD_S
from setaria.adapters.telemetry.shared import SharedMetrics
from setaria.adapters.upstreams.http.pool import Connect, HttpPool
from setaria.adapters.upstreams.http.upstream import TICK_S
from setaria.adapters.upstreams.local.upstream import LocalUpstream
from setaria.bootstrap.books import Books
from setaria.bootstrap.catalog import LOCAL, SEEDLING, needs_engine
from setaria.bootstrap.catalog_reader import CatalogReader
from setaria.bootstrap.descriptors import fit_connections, limit_of_descriptors
from setaria.bootstrap.edge import addresses_of, edge_of
from setaria.bootstrap.gauges import read_gauges
from setaria.bootstrap.handover import CONSOLE_DOOR, ENGINE_DOOR, Line
from setaria.bootstrap.log import open_log
from setaria.bootstrap.loop import report_loop_faults, run_loop
from setaria.bootstrap.memory import settle_memory
from setaria.bootstrap.scrape import CONNECTIONS, Scrape
from setaria.bootstrap.store import Store, make_reader, make_store
from setaria.bootstrap.tariff_reader import TariffReader
from setaria.bootstrap.tracing import open_tracing
from setaria.bootstrap.upstreams import HttpUpstreams, UpstreamSet
from setaria.config import Settings
from setaria.core.clock import SystemClock
from setaria.core.errors import SetariaError
from setaria.core.ids import random_share
from setaria.core.protocol import ProtocolName
from setaria.core.secrets import SecretRing
from setaria.domain.accounts.keys import key_secrets_from_ring
from setaria.domain.catalog.model import Catalog
from setaria.domain.ledger.tariff import Tariffs
from setaria.domain.routing.router import Router
from setaria.entrypoints.api.dispatch import Dispatcher
from setaria.entrypoints.api.metrics import MetricsPage
from setaria.entrypoints.api.pages import Pages
from setaria.entrypoints.api.readiness import Readiness
from setaria.entrypoints.api.relay import ConsoleRelay
from setaria.entrypoints.api.reports import ReportPages
from setaria.entrypoints.api.server import Limits, Server
from setaria.entrypoints.jobs.note_key_uses import PERIOD_S as KEY_USE_S
from setaria.entrypoints.jobs.note_key_uses import KeyUseNotes
from setaria.entrypoints.jobs.runner import JobRunner
from setaria.entrypoints.jobs.watch_changes import PERIOD_S, ChangeWatch
from setaria.gateway.key_cache import KeyCache
from setaria.gateway.plan_cache import PlanCache
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Log, Meter
from setaria.wire.anthropic_messages.codec import AnthropicMessages
from setaria.wire.codec import Codec
from setaria.wire.openai_chat.codec import OpenAIChat

SIGNING_PURPOSE = "reasoning signature"
CODECS: Mapping[ProtocolName, Codec] = {"openai_chat": OpenAIChat(), "anthropic_messages": AnthropicMessages()}


def main() -> int:
    """Run a worker until it is told to end or its parent is gone; gives the exit code."""
    line = Line()
    log = open_log(line.name)
    try:
        return run_loop(_work(line, log))
    except SetariaError as error:
        log.error("cannot_start", reason=error.message)
        return 1


class Closing(Protocol):
    """A part that is closed at the end."""

    async def close(self) -> None:
        """Close it."""
        ...


async def _work(line: Line, log: Log) -> int:
    settings = line.handover.read_settings()
    clock = SystemClock()
    ring = read_ring(settings.server.secret_file)
    metrics = Metrics()
    tracing = open_tracing(settings, line.name, metrics)
    store = make_store(settings, log, metrics.count_batch)
    reading = make_reader(settings)
    local = LocalUpstream(Path(line.handover.sockets) / ENGINE_DOOR, LOCAL)
    upstreams = UpstreamSet(local, HttpUpstreams(clock).make, clock, log)
    books = Books(store, settings.data, f"{line.handover.parent_id}-{line.name}", clock, log)
    platform = msgspec.structs.replace(
        build_platform(ring, store, books, upstreams, log, tracing.meter), addresses=addresses_of(settings)
    )
    reader = CatalogReader(settings, store, platform.catalog, upstreams, log)
    tariffs = TariffReader(store, platform.tariffs, platform.plans)
    watch = ChangeWatch(store, platform.keys, clock, (reader.renew, tariffs.renew, books.desk.renew))
    uses = KeyUseNotes(store, platform.keys)
    console = HttpPool("the console", _console_connector(line.handover.sockets))
    shared = SharedMetrics(
        Path(line.handover.sockets),
        line.name,
        tracing.samples,
        lambda: {**read_gauges(platform, upstreams, store, server), (CONNECTIONS,): int(local.is_connected)},
        clock,
    )
    has_metrics = settings.server.metrics != "off"
    pages = Pages(
        Readiness(store, local, lambda: needs_engine(platform.catalog), clock, log),
        ConsoleRelay(console, edge_of(settings).proxies),
        MetricsPage(Scrape(shared, local) if has_metrics else None),
        ReportPages(platform, ReportTable(reading)),
    )
    dispatcher = Dispatcher(platform, CODECS, pages, edge_of(settings))
    server = Server(_limits(settings, log), clock, dispatcher.handle, dispatcher.refuse)
    jobs = JobRunner(clock, log)
    ended = _end_signal(line, server)
    report_loop_faults(log)
    await store.open()
    for each in (reader, tariffs):
        await each.renew()
    await books.open(jobs)
    jobs.every(PERIOD_S, "watch_changes", watch.look)
    jobs.every(TICK_S, "tick_upstreams", upstreams.tick)
    jobs.every(KEY_USE_S, "note_key_uses", uses.write)
    if has_metrics:
        await shared.open()
        jobs.every(METRICS_PERIOD_S, "save_metrics", shared.save)
    await _begin(server, line)
    grace_s: float | None = 0.0
    try:
        line.say_ready()
        grace_s = await ended
    finally:
        await server.stop(settings.server.grace_s if grace_s is None else grace_s)
        await jobs.stop()
        await asyncio.to_thread(tracing.close, log)
        console.close()
        await _close(uses, shared, upstreams, local, reading, books, store)
    return 0


async def _begin(server: Server, line: Line) -> None:
    """Take calls; all that stays has been built."""
    settle_memory()
    await server.listen(line.doors[0])


async def _close(*parts: Closing) -> None:
    """Close parts one after another."""
    for part in parts:
        await part.close()


def build_platform(
    ring: SecretRing, store: Store, books: Books, upstreams: UpstreamSet, log: Log, meter: Meter
) -> Platform:
    """Put together what a call needs."""
    return Platform(
        keys=KeyCache(store, key_secrets_from_ring(ring)),
        catalog=Catalog((), own_signers=ring.ids),  # this and the next are filled before the first call, see `_work`
        tariffs=Tariffs((SEEDLING,)),
        plans=PlanCache(store),
        router=Router(random_share),
        upstreams=upstreams.current,
        relays=upstreams.relays,
        ledger=store,
        desk=books.desk,
        spool=books.spool,
        clock=SystemClock(),
        log=log,
        meter=meter,
        signing_secret=(ring.newest_id, ring.sub_key(ring.newest_id, SIGNING_PURPOSE)),
    )


def _limits(settings: Settings, log: Log) -> Limits:
    connections = fit_connections(settings.server.connections, limit_of_descriptors())
    if connections < settings.server.connections:
        log.info("connections_capped", wanted=settings.server.connections, allowed=connections, mend="ulimit -n")
    return Limits(
        header_limit_bytes=settings.server.header_limit_kb * 1024,
        body_limit_bytes=settings.server.body_limit_mb * 1024 * 1024,
        max_connections=connections,
    )


def _end_signal(line: Line, server: Server) -> "asyncio.Future[float | None]":
    """Make a future for the end: its result is the grace in seconds, None for the one in the settings.

    A second SIGTERM says nothing new, for some send it to all processes, as the parent does; the line's end does.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[float | None] = loop.create_future()

    def end() -> None:
        if not ended.done():
            ended.set_result(None)

    def end_now() -> None:
        if ended.done():
            server.hurry()
        else:
            ended.set_result(0.0)

    loop.add_signal_handler(signal.SIGTERM, end)
    line.watch(end_now)
    return ended


def _console_connector(sockets: str) -> Connect:
    path = str(Path(sockets) / CONSOLE_DOOR)
    return lambda factory: asyncio.get_running_loop().create_unix_connection(factory, path)


if __name__ == "__main__":
    sys.exit(main())
