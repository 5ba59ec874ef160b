"""Stress: calls of many clients on accounts with little money, while workers are killed and the database is away.

`python -m tests.stress [--database sqlite|postgresql] [--calls N] [--clients N] [--workers N]`. At the end the books
must add up to the last unit, each answer that a client got whole must be charged once, and debt must stay in its bound.
Exit code 1 on any violation.
"""

import argparse
import asyncio
import collections
import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from setaria.adapters.secrets.file import read_ring
from setaria.adapters.store.control.store import ControlStore
from setaria.bootstrap.preparation import prepare
from setaria.config import load_settings, resolve_database_url
from setaria.core.ids import new_account_id, new_allowance_id, new_call_id
from setaria.domain.accounts.keys import key_secrets_from_ring, make_key
from setaria.domain.accounts.records import Account, Limits, ModelLimits
from setaria.domain.ledger.allowances import Allowance, Entry
from setaria.domain.ledger.tariff import Tariff
from tests.stress.databases import Database, postgres_server, sqlite_in

ACCOUNTS = 20
KILLS = 3
AWAY_S = 5.0
PRICE = 1_000_000_000
"""1,000 nano-units a token."""
COST = 1000 * (20 + 20)
SLICE_COST = 1000 * (256 + 64)
ROOMY = Limits(every=ModelLimits(rpm=1_000_000, tpm=1_000_000_000, in_flight=10_000))
TIGHT = Limits(every=ModelLimits(rpm=60, tpm=1_000_000_000, in_flight=4))
WORDS = b"".join(b'data: {"choices":[{"index":0,"delta":{"content":"a "}}]}\n\n' for _ in range(20))
USAGE = b'"usage":{"prompt_tokens":20,"completion_tokens":20,"total_tokens":40}'
STREAM = (
    WORDS
    + b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: {"choices":[],'
    + USAGE
    + b"}\n\ndata: [DONE]\n\n"
)
WHOLE = (
    b'{"id":"x","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"stop",'
    b'"message":{"role":"assistant","content":"' + b"a " * 20 + b'"}}],' + USAGE + b"}"
)


async def serve_model(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer every request with 20 tokens, after a moment."""
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            size = next(int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
            is_stream = b'"stream":true' in (await reader.readexactly(size)).replace(b" ", b"")
            await asyncio.sleep(0.02)
            body, kind = (STREAM, b"text/event-stream") if is_stream else (WHOLE, b"application/json")
            writer.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: %b\r\ncontent-length: %d\r\n\r\n" % (kind, len(body)) + body
            )
            await writer.drain()
    writer.close()


def set_up(folder: Path, database: Database, model_port: int, calls: int) -> list[str]:
    """Make an installation with accounts that have money for three quarters of their calls; gives their keys."""
    config = folder / "setaria.toml"
    config.write_text(
        f'[database]\nurl = "{database.url}"\n[[upstreams]]\nname = "m"\nkind = "openai"\nbase_url = "http://127.0.0.1:{model_port}/v1"\n'
        '[[models]]\nid = "m"\ncontext_tokens = 8000\noutput_tokens = 1000\n'
        'deployments = [{ upstream = "m", model = "m" }]\n'
    )
    settings = load_settings(folder, config)
    prepare(settings)
    secrets = key_secrets_from_ring(read_ring(settings.server.secret_file))
    keys = []
    money = COST * calls * 3 // (4 * ACCOUNTS)
    with contextlib.closing(ControlStore(resolve_database_url(settings))) as control, control.begin() as books:
        books.add_tariff("payg", Tariff("price", "m", 1, PRICE, PRICE, PRICE, PRICE), 1)
        for number in range(ACCOUNTS):
            limits = TIGHT if number == 0 else ROOMY
            account = Account(new_account_id(), f"stress {number}", "active", 1, limits=limits)
            key, text = make_key(secrets, account.id, "stress", 1)
            cash = Allowance(new_allowance_id(), account.id, "cash", "", 0, money, money, 0, 0)
            books.add_account(account)
            books.add_key(key)
            books.add_allowance(cash)
            books.add_entry(Entry(new_call_id(1), 1, account.id, cash.id, "topup", money, "operator", "stress"))
            keys.append(text)
    return keys


class Run:
    """What happened so far."""

    def __init__(self, port: int, keys: list[str], calls: int) -> None:
        self.port = port
        self.keys = keys
        self.calls = calls
        self.begun = 0
        self.statuses: collections.Counter[str] = collections.Counter()
        self.whole: list[str] = []

    async def be_client(self) -> None:
        """Make calls, one after another, until enough were made by all."""
        while self.begun < self.calls:
            self.begun += 1
            number = self.begun
            try:
                async with asyncio.timeout(60):
                    await self.call(self.keys[number % len(self.keys)], is_stream=number % 2 == 0)
            except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
                self.statuses[type(error).__name__] += 1

    async def call(self, key: str, *, is_stream: bool) -> None:
        """Make a call on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            body = b'{"model":"m","max_tokens":1000,"stream":%b,"messages":[{"role":"user","content":"%b"}]}' % (
                b"true" if is_stream else b"false",
                b"word" * 16,
            )
            writer.write(
                b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer %b\r\n"
                b"content-length: %d\r\n\r\n%b" % (key.encode(), len(body), body)
            )
            answer = await reader.read(-1)
        finally:
            writer.close()
        head = answer.partition(b"\r\n\r\n")[0].decode()
        status = head[9:12] or "cut"
        if status == "503":
            status += " " + answer.partition(b'"message":"')[2].partition(b";")[0].decode()
        is_whole = b"[DONE]" in answer if is_stream else b'"finish_reason":"stop"' in answer
        self.statuses[status if status != "200" or is_whole else "200, cut"] += 1
        if status == "200" and is_whole:
            self.whole.append(head.partition("x-request-id: ")[2].partition("\r\n")[0])


async def make_trouble(run: Run, server: "subprocess.Popen[bytes]", database: Database) -> None:
    """Kill workers and take the database away, spread over the run."""
    for step in range(1, KILLS + 2):
        while run.begun < run.calls * step // (KILLS + 2):  # noqa: ASYNC110 - it is looked at rarely
            await asyncio.sleep(0.05)
        if step == 2:
            await asyncio.to_thread(database.be_away, AWAY_S)
            continue
        workers = [pid for pid in children(server.pid) if b"bootstrap.worker" in command_of(pid)]
        if workers:
            os.kill(workers[0], signal.SIGKILL)


def children(pid: int) -> list[int]:
    """List the processes that a process has started."""
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def command_of(pid: int) -> bytes:
    """Give a process's command line; empty when it is gone."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def judge(database: Database, run: Run) -> list[tuple[str, int, int]]:
    """Give what is claimed, what was found, and what is allowed at most."""

    def one(sql: str) -> int:
        return int(database.ask(sql)[0][0] or 0)

    ids = {row[0] for row in database.ask("SELECT id FROM calls")}
    leased = "(SELECT COALESCE(SUM(amount), 0) FROM leases WHERE allowance_id = a.id AND leases.period = a.period)"
    paid = "(SELECT COALESCE(SUM(charge_nano), 0) FROM calls WHERE calls.account_id = a.account_id)"
    return [
        ("contradictions that `setaria ledger verify` finds", database.count_faults(), 0),
        (
            "allowances where available + leased + spent - debt is not granted",
            one(f"SELECT COUNT(*) FROM allowances a WHERE available + {leased} + spent - debt <> granted"),
            0,
        ),
        (
            "accounts whose calls cost something else than was spent",
            one(f"SELECT COUNT(*) FROM allowances a WHERE kind = 'cash' AND spent <> {paid}"),
            0,
        ),
        ("purses below zero", one("SELECT COUNT(*) FROM allowances WHERE available < 0 AND kind = 'cash'"), 0),
        (
            "debt of the account that owes most, in nano-units",
            one("SELECT MAX(debt) FROM allowances WHERE kind = 'cash'"),
            SLICE_COST * 200,
        ),
        ("whole answers without a row", len(set(run.whole) - ids), 0),
        ("whole answers with the id of another", len(run.whole) - len(set(run.whole)), 0),
        ("calls in quarantine", one("SELECT COUNT(*) FROM quarantine"), 0),
        (
            "leases of no worker, which no sweep would find",
            one("SELECT COUNT(*) FROM leases WHERE amount > 0 AND worker_id NOT IN (SELECT id FROM workers)"),
            0,
        ),
        (
            "admitted calls a minute above the limit of 60, in the fullest minute",
            one(
                "SELECT MAX(n) FROM (SELECT COUNT(*) n FROM calls JOIN accounts ON accounts.id = account_id "
                "WHERE accounts.name = 'stress 0' GROUP BY at_ms / 60000) minutes"
            )
            - 60,
            4,  # a call that came in one minute may be admitted in the next
        ),
    ]


class Size(NamedTuple):
    """How much of it."""

    calls: int
    clients: int
    workers: int


async def stress(size: Size, database: Database, folder: Path) -> int:
    """Do all of it; gives the exit code."""
    calls, clients, workers = size
    model = await asyncio.start_server(serve_model, "127.0.0.1", 0)
    keys = set_up(folder, database, model.sockets[0].getsockname()[1], calls)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    program = [str(Path(sys.executable).with_name("setaria"))]
    arguments = ["--data", str(folder), "--config", str(folder / "setaria.toml"), "serve", "--port", str(port)]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(  # noqa: ASYNC220 - nothing else runs yet
        [*program, *arguments, "--workers", str(workers)], stdout=log, stderr=log
    )
    run, started_s = Run(port, keys, calls), time.monotonic()
    try:
        while b'"process_ready"' not in (folder / "log").read_bytes():  # noqa: ASYNC110 - another process says it
            await asyncio.sleep(0.2)
        await asyncio.sleep(2)
        await asyncio.gather(make_trouble(run, server, database), *(run.be_client() for _ in range(clients)))
        seconds = time.monotonic() - started_s
        while [*(folder / "spool").glob("*.spool"), *(folder / "spool").glob("*.aside")]:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.5)
    finally:
        server.terminate()
        await asyncio.to_thread(server.wait, 60)
    scene = f"{database.name}, {calls} calls, {clients} clients, {workers} workers"
    lines = [
        f"{scene}, {seconds:.0f} s, {KILLS} killed, {database.trouble} {AWAY_S:g} s",
        "answers: " + ", ".join(f"{status}: {count}" for status, count in sorted(run.statuses.items())),
    ]
    failed = 0
    for claim, found, most in judge(database, run):
        failed += found > most
        verdict = "ok  " if found <= most else "FAIL"
        lines.append(f"{verdict}  {claim}: {found}" + (f" (at most {most})" if most else ""))
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if failed else 0


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--workers", type=int, default=4)
    chosen = parser.parse_args()
    size = Size(chosen.calls, chosen.clients, chosen.workers)
    with tempfile.TemporaryDirectory() as folder:
        opening = sqlite_in(Path(folder)) if chosen.database == "sqlite" else postgres_server()
        with opening as database:
            return asyncio.run(stress(size, database, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
