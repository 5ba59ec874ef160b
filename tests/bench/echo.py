"""Echo: the data plane alone, with a real store and real keys, before a model that answers at once.

`python -m tests.bench.echo --port 8080` prints its address and a key, and serves the model `echo` in both protocols
until it is interrupted. It is for a load generator, beside nginx on the same machine.
"""

import argparse
import asyncio
import contextlib
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from setaria.adapters.store.control.store import ControlStore
from setaria.adapters.store.migrate import upgrade
from setaria.adapters.store.reports import ReportTable
from setaria.adapters.store.sqlite.reader import SqliteReader
from setaria.adapters.store.sqlite.store import SqliteStore
from setaria.adapters.telemetry.metrics import Metrics
from setaria.adapters.upstreams.http.pool import HttpPool
from setaria.bootstrap.books import Books
from setaria.bootstrap.log import open_log
from setaria.bootstrap.loop import run_loop
from setaria.core.clock import SystemClock
from setaria.core.dialogue import Text
from setaria.core.events import Event, Finish, TextDelta, UsageReport
from setaria.core.ids import new_account_id, random_bytes
from setaria.core.secrets import SecretRing
from setaria.core.traits import Traits
from setaria.core.usage import Usage
from setaria.domain.accounts.keys import key_secrets_from_ring, make_key
from setaria.domain.accounts.records import Account
from setaria.domain.catalog.model import Catalog, Deployment, Model
from setaria.domain.ledger.tariff import Tariffs
from setaria.domain.routing.ports import ModelRequest, Sink
from setaria.domain.routing.router import Router
from setaria.entrypoints.api.dispatch import Dispatcher
from setaria.entrypoints.api.metrics import MetricsPage
from setaria.entrypoints.api.pages import Pages
from setaria.entrypoints.api.readiness import Readiness
from setaria.entrypoints.api.relay import ConsoleRelay
from setaria.entrypoints.api.reports import ReportPages
from setaria.entrypoints.api.server import Limits, Server
from setaria.entrypoints.jobs.runner import JobRunner
from setaria.entrypoints.jobs.watch_changes import PERIOD_S, ChangeWatch
from setaria.gateway.key_cache import KeyCache
from setaria.gateway.plan_cache import PlanCache
from setaria.gateway.platform import Platform
from setaria.wire.anthropic_messages import AnthropicMessages
from setaria.wire.openai_chat import OpenAIChat

NAME = "echo"
LIMITS = Limits(header_limit_bytes=64 * 1024, body_limit_bytes=64 * 1024 * 1024, max_connections=10_000)
TRAITS = Traits(1_048_576, 131_072, 4096, frozenset({"tools"}), thinking_default=False)
MODEL = Model(NAME, "Echo", "says what was said", TRAITS, (Deployment(NAME, NAME),), created_at_ms=0)


class EchoAttempt:
    """An answer that is over before anyone can do something about it."""

    def cancel(self) -> None:
        """Do nothing."""

    def pause(self) -> None:
        """Do nothing."""

    def resume(self) -> None:
        """Do nothing."""

    def seen_usage(self) -> Usage | None:
        """Tell nothing: the usage was reported."""
        return None


class EchoUpstream:
    """Answers every call with its last text, in `events` equal pieces, each told by itself, all before `start` ends."""

    def __init__(self, events: int) -> None:
        self.name = NAME
        self._events = events
        self._attempt = EchoAttempt()

    def start(self, request: ModelRequest, sink: Sink) -> EchoAttempt:
        """Answer."""
        blocks = request.dialogue.messages[-1].blocks
        text = next((block.text for block in blocks if isinstance(block, Text)), "")
        for _ in range(self._events):
            sink.receive((TextDelta(text),))
        end: tuple[Event, ...] = (
            Finish("stop"),
            UsageReport(Usage(input_tokens=len(text), output_tokens=self._events), "upstream"),
        )
        sink.receive(end)
        return self._attempt

    async def count_input_tokens(self, request: ModelRequest) -> int | None:
        """Tell nothing."""
        return None

    async def check(self) -> str:
        """Tell that all is well."""
        return ""


class SilentLog:
    """Takes log lines and keeps none: nginx writes none either."""

    def info(self, event: str, **fields: object) -> None:
        """Drop it."""

    def warning(self, event: str, **fields: object) -> None:
        """Drop it."""

    def error(self, event: str, **fields: object) -> None:
        """Show it: a benchmark with errors is none."""
        sys.stderr.write(f"{event} {fields}\n")


@contextlib.contextmanager
def made_database() -> Iterator[tuple[Path, SecretRing, str]]:
    """Make a database with one account and one key; gives its file, the secrets and the key's text."""
    ring = SecretRing({"bench": random_bytes(32)})
    account = Account(new_account_id(), "bench", "active", 0)
    key, text = make_key(key_secrets_from_ring(ring), account.id, "bench", 0)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "setaria.db"
        upgrade(f"sqlite:///{path}")
        with contextlib.closing(ControlStore(f"sqlite:///{path}")) as control, control.begin() as books:
            books.add_account(account)
            books.add_key(key)
        yield path, ring, text


async def renew_nothing() -> None:
    """Leave the catalog as it is."""


async def serve_echo(
    path: Path, ring: SecretRing, upstream: EchoUpstream, listening: socket.socket, *, log: bool
) -> int:
    """Serve until SIGINT or SIGTERM."""
    clock = SystemClock()
    lines = open_log("bench") if log else SilentLog()
    store = SqliteStore(path, lambda call_id, reason: lines.error("call_refused", call=call_id, reason=reason))
    await store.open()
    books = Books(store, path.parent, "echo", clock, lines)
    platform = Platform(
        keys=KeyCache(store, key_secrets_from_ring(ring)),
        catalog=Catalog((MODEL,)),
        tariffs=Tariffs((MODEL.id,)),
        plans=PlanCache(store),
        router=Router(lambda: 0.5),
        upstreams={NAME: upstream},
        relays={},
        ledger=store,
        desk=books.desk,
        spool=books.spool,
        clock=clock,
        log=lines,
        meter=Metrics(),
        signing_secret=("bench", random_bytes(32)),
    )
    dispatcher = Dispatcher(
        platform,
        {"openai_chat": OpenAIChat(), "anthropic_messages": AnthropicMessages()},
        Pages(
            Readiness(store, upstream, lambda: True, clock, lines),
            ConsoleRelay(HttpPool("the console", lambda _: asyncio.get_running_loop().create_future())),
            MetricsPage(None),
            ReportPages(platform, ReportTable(SqliteReader(path))),
        ),
    )
    server = Server(LIMITS, clock, dispatcher.handle, dispatcher.refuse)
    jobs = JobRunner(clock, lines)
    jobs.every(PERIOD_S, "watch_changes", ChangeWatch(store, platform.keys, clock, (renew_nothing,)).look)
    await books.open(jobs)
    await server.listen(listening)
    ended = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await ended.wait()
    await server.stop(1.0)
    await jobs.stop()
    await books.close()
    await store.close()
    return 0


def main() -> int:
    """Read the command line, print the key and serve."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--events", type=int, default=1, help="pieces of text in each answer")
    parser.add_argument("--log", action="store_true", help="write a line a call to standard error, as the worker does")
    chosen = parser.parse_args()
    with made_database() as (path, ring, key):
        listening = socket.create_server(("127.0.0.1", chosen.port), backlog=1024)
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]} {key}\n")
        sys.stdout.flush()
        return run_loop(serve_echo(path, ring, EchoUpstream(chosen.events), listening, log=chosen.log))


if __name__ == "__main__":
    sys.exit(main())
