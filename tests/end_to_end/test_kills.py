"""Kills: after kill -9 under load each call whose client got a whole answer is on the books, once."""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.end_to_end.running import Running, running, wait_for
from tests.fault_server.thread import fault_server
from tests.soak.wire import Call, find_flaw, read_body, read_head

CALLS = [
    Call(protocol, f"well-{kind}", stream)
    for protocol in ("chat", "messages")
    for kind in ("openai", "anthropic")
    for stream in (True, False)
]
CLIENTS = 2 * len(CALLS)
MOST_CALLS = 10_000


def write_config(port: int) -> str:
    """Write a configuration with a good model at a server of each protocol."""
    lines: list[str] = []
    for kind, path in (("openai", "/v1"), ("anthropic", "")):
        lines += [
            "[[upstreams]]",
            f'name = "{kind}"',
            f'kind = "{kind}"',
            f'base_url = "http://127.0.0.1:{port}{path}"',
        ]
        lines += ["[[models]]", f'id = "well-{kind}"']
        lines += [f'deployments = [{{ upstream = "{kind}", model = "text:gap_ms=1" }}]']
    return "\n".join(lines)


class Load:
    """Clients that call again and again; `whole` counts the answers that came whole, by the call's id."""

    def __init__(self, platform: Running) -> None:
        self.whole: Counter[str] = Counter()
        self._key = platform.key
        self._host, self._port = urlsplit(platform.base_url).hostname, urlsplit(platform.base_url).port
        self._clients = [asyncio.create_task(self._ask(CALLS[number % len(CALLS)])) for number in range(CLIENTS)]

    async def until_whole(self, more: int) -> None:
        """Wait until so many more answers came whole."""
        wanted = len(self.whole) + more
        async with asyncio.timeout(60):
            while len(self.whole) < wanted:  # noqa: ASYNC110 - nothing tells when
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        """Stop calling; what a client found wrong is told now."""
        for client in self._clients:
            client.cancel()
        ends = await asyncio.gather(*self._clients, return_exceptions=True)
        assert [end for end in ends if not isinstance(end, asyncio.CancelledError)] == []

    async def _ask(self, call: Call) -> None:
        while True:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await self._ask_on_a_connection(call)
            await asyncio.sleep(0.02)

    async def _ask_on_a_connection(self, call: Call) -> None:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        with contextlib.closing(writer):
            while True:
                writer.write(call.write(self._key))
                head = await read_head(reader)
                body = await read_body(reader, head)
                assert find_flaw(call, head, body) == ""
                if head.status == 200 and b'"error"' not in body:
                    self.whole[head.call_id] += 1


def kill(*pids: int) -> None:
    """Kill processes at once."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def is_replaced(platform: Running, old: list[int]) -> bool:
    """Tell whether there is a new worker beside an old one."""
    return len({*platform.pids("worker")} - {*old}) == 1


def rows_of(platform: Running) -> Counter[str]:
    """Count the rows of each call."""
    return Counter(row["id"] for row in platform.calls(MOST_CALLS))


def test_kills_of_workers_lose_no_whole_answer(data: Path) -> None:
    """Workers die one after another while others answer; the server goes on, and no whole answer lacks its row."""

    async def story(platform: Running) -> Load:
        load = Load(platform)
        for _ in range(3):
            await load.until_whole(40)
            old = platform.pids("worker")
            kill(old[0])
            await asyncio.to_thread(wait_for, partial(is_replaced, platform, old))
        await load.until_whole(40)
        await load.stop()
        return load

    data.mkdir(mode=0o700)
    with fault_server() as server:
        (data / "setaria.toml").write_text(write_config(server.port))
        with running(data, "--workers", "2") as platform:
            load = asyncio.run(story(platform))
            rows = rows_of(platform)
            assert platform.stop() == 0
    assert set(load.whole) - set(rows) == set()
    assert {*rows.values(), *load.whole.values()} == {1}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_kill_of_everything_loses_no_whole_answer(data: Path, workers: str) -> None:
    """The parent and all workers die at once; after a restart every whole answer of both protocols has its row."""

    async def story(platform: Running) -> Load:
        load = Load(platform)
        await load.until_whole(100)
        kill(platform.process.pid, *platform.pids("worker"))
        await load.stop()
        return load

    data.mkdir(mode=0o700)
    with fault_server() as server:
        (data / "setaria.toml").write_text(write_config(server.port))
        with running(data, "--workers", workers) as platform:
            load = asyncio.run(story(platform))
            platform.process.wait()
        with running(data, "--workers", workers) as platform:
            rows = rows_of(platform)
    assert set(load.whole) - set(rows) == set()
    assert {*rows.values(), *load.whole.values()} == {1}
