"""The engine's server over a real Unix socket, and the process around it."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path

import pytest

from setaria.adapters.upstreams.local.frames import (
    Cancel,
    Count,
    Counted,
    Done,
    Failed,
    Generate,
    Observe,
    Observed,
    Piece,
    Ping,
    Pong,
    Started,
    encode_frame,
)
from setaria.core.dialogue import Dialogue
from tests.adapters.upstreams.local.engine.driving import FAQ_MESSAGES, GREEDY, WEATHER, WEATHER_CALL, question
from tests.adapters.upstreams.local.engine.talking import Worker, listening_socket, serving

FAQ = Dialogue(FAQ_MESSAGES, False, 256, GREEDY, (WEATHER,))
GREETING = "How can I help you?"
LONG = question("Tell me " + "very " * 2_000)
ASKED = question("What can I do with a platform such as yours on a rainy afternoon in a small town?")


def within(seconds: float, coroutine: Coroutine[None, None, None]) -> None:
    """Run to the end, or fail when that takes too long."""

    async def limited() -> None:
        await asyncio.wait_for(coroutine, seconds)

    asyncio.run(limited())


async def flood(silent: socket.socket, data: bytes) -> None:
    """Send the same bytes until the other side ends the connection."""
    while True:
        await asyncio.get_running_loop().sock_sendall(silent, data)


def test_an_answer_comes_as_frames(tmp_path: Path, seedling_folder: Path) -> None:
    """Ping, Count and Generate are told as the protocol says, and the counts agree."""

    async def talk() -> None:
        async with serving(tmp_path, {"seedling": seedling_folder}):
            worker = await Worker.connect(tmp_path / "engine")
            worker.ask(Ping("p", "seedling"), Count("c", "seedling", FAQ), Generate("g", "seedling", FAQ))
            end = (await worker.hear_ends(1))["g"]
            tells = worker.tells
            counted = next(tell for tell in tells if isinstance(tell, Counted))
            tokens = sum(tell.tokens for tell in tells if isinstance(tell, Piece))
            assert (tells[0], worker.text("g")) == (Pong("p"), WEATHER_CALL)
            assert Started("g", counted.input_tokens, 0, inside_thinking=False) in tells
            assert end == Done("g", "stop", tokens)
            worker.close()

    within(20, talk())


def test_two_workers_hear_only_their_own(tmp_path: Path, seedling_folder: Path) -> None:
    """Calls of two connections run together, and the same id on both is two calls."""

    async def talk() -> None:
        async with serving(tmp_path, {"seedling": seedling_folder}):
            workers = [await Worker.connect(tmp_path / "engine") for _ in range(2)]
            workers[0].ask(Generate("1", "seedling", FAQ))
            workers[1].ask(Generate("1", "seedling", question("Hello")))
            for worker in workers:
                await worker.hear_ends(1)
            texts = [worker.text("1") for worker in workers]
            assert (texts[0], texts[1].endswith(GREETING)) == (WEATHER_CALL, True)
            for worker in workers:
                worker.close()

    within(20, talk())


def test_what_cannot_be_answered_is_told(tmp_path: Path, seedling_folder: Path) -> None:
    """An unknown model, a broken folder and a prompt that is too long each get their own failure."""

    async def talk() -> None:
        folders = {"seedling": seedling_folder, "broken": tmp_path}
        async with serving(tmp_path, folders):
            worker = await Worker.connect(tmp_path / "engine")
            worker.ask(Ping("unknown", "/nowhere/at/all"), Generate("broken", "broken", FAQ))
            worker.ask(Generate("long", "seedling", question("word " * 9_000)))
            ends = await worker.hear_ends(3)
            failed = [end for end in map(ends.get, ("unknown", "broken", "long")) if isinstance(end, Failed)]
            assert [end.kind for end in failed] == ["failed", "failed", "context"]
            assert "/" not in failed[0].message + failed[1].message
            assert "lacks model.onnx, tokenizer.json, config.json" in failed[1].message
            assert (failed[2].input_tokens > 9_000, failed[2].context_tokens) == (True, 8_192)
            worker.close()

    within(20, talk())


def test_the_engine_tells_how_busy_it_is(tmp_path: Path, seedling_folder: Path) -> None:
    """Rows, queue, tokens and refusals are told at once, and nothing is loaded for it."""

    async def talk() -> None:
        async with serving(tmp_path, {"seedling": seedling_folder}, limit_calls=20):
            worker = await Worker.connect(tmp_path / "engine")

            async def observe(name: str) -> Observed:
                worker.ask(Observe(name))
                while True:
                    for tell in worker.tells:
                        if isinstance(tell, Observed) and tell.id == name:
                            return tell
                    await worker.hear()

            nothing = await observe("before")
            assert (nothing.models, nothing.live_calls, nothing.memory_bytes > 10_000_000) == ((), 0, True)
            worker.ask(*[Generate(f"{number}", "seedling", LONG) for number in range(21)])
            while not any(isinstance(tell, Started) for tell in worker.tells):
                await worker.hear()
            busy = await observe("busy")
            model = busy.models[0]
            assert (busy.live_calls, busy.refused_calls, model.model, model.rows) == (20, 1, "seedling", 16)
            assert busy.waiting_calls + model.loading + model.ready == 20
            assert (model.prefilled_tokens > 2_000, busy.cpu_s > 0) == (True, True)
            worker.ask(*[Cancel(f"{number}") for number in range(20)], Generate("first", "seedling", ASKED))
            await worker.hear_ends(2)
            worker.ask(Generate("again", "seedling", ASKED))
            await worker.hear_ends(3)
            model = (await observe("after")).models[0]
            assert (model.reused_tokens > 0, model.kept_tokens > 0, model.decoded_tokens > 14) == (True, True, True)
            worker.close()

    within(60, talk())


def test_beyond_the_limit_a_worker_is_told_to_wait(tmp_path: Path, seedling_folder: Path) -> None:
    """As many calls as the limit allows are held; the next is busy, to be tried again in a second."""

    async def talk() -> None:
        async with serving(tmp_path, {"seedling": seedling_folder}, limit_calls=20) as server:
            worker = await Worker.connect(tmp_path / "engine")
            worker.ask(*[Generate(str(index), "seedling", question("Hello")) for index in range(21)])
            ends = await worker.hear_ends(21)
            failed = [end for end in ends.values() if isinstance(end, Failed)]
            assert [(end.id, end.kind, end.retry_after_s) for end in failed] == [("20", "busy", 1)]
            assert server.live_calls == 0
            worker.close()

    within(20, talk())


@pytest.mark.parametrize("goodbye", ["cancel", "disconnect", "garbage", "huge", "twice"])
def test_whoever_leaves_frees_his_rows(tmp_path: Path, seedling_folder: Path, goodbye: str) -> None:
    """A cancel, a lost connection and bytes that are no frame end the calls, and others are answered as before."""
    farewells = {
        "cancel": encode_frame(Cancel("a")) + encode_frame(Cancel("never")),
        "garbage": b"\0\0\0\x04nope",
        "huge": b"\xff\xff\xff\xff",
        "twice": encode_frame(Generate("a", "seedling", LONG)),
    }

    async def talk() -> None:
        async with serving(tmp_path, {"seedling": seedling_folder}) as server:
            leaving, staying = [await Worker.connect(tmp_path / "engine") for _ in range(2)]
            leaving.ask(Generate("a", "seedling", question("What is thinking mode?")))
            while not leaving.text("a"):
                await leaving.hear()
            if goodbye == "disconnect":
                leaving.close()
            else:
                leaving.writer.write(farewells[goodbye])
            if goodbye in ("garbage", "huge", "twice"):
                while await leaving.hear():
                    pass
            staying.ask(Generate("b", "seedling", question("Hello")))
            await staying.hear_ends(1)
            loaded = server.engines["seedling"]._loaded
            assert loaded is not None
            assert (server.live_calls, staying.text("b").endswith(GREETING)) == (0, True)
            assert any(isinstance(tell, Done) for tell in leaving.tells) is False
            assert loaded.scheduler.free_rows == 16
            staying.close()
            leaving.close()

    within(20, talk())


def test_a_worker_that_never_reads_is_dropped(
    tmp_path: Path, seedling_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a worker leaves unread is bounded: beyond that its connection ends and its calls with it."""
    monkeypatch.setattr("setaria.adapters.upstreams.local.engine.server._LIMIT_UNREAD_BYTES", 50_000)

    async def talk() -> None:
        async with serving(tmp_path, {"seedling": seedling_folder}) as server:
            silent = socket.socket(socket.AF_UNIX)
            silent.connect(str(tmp_path / "engine"))
            unknown = "".join(chr(0x4E00 + index) for index in range(100))
            asked = b"".join(encode_frame(Ping(str(index), unknown)) for index in range(3_000))
            silent.setblocking(False)
            with pytest.raises(ConnectionError):
                await flood(silent, asked)
            assert server.live_calls == 0
            silent.close()

    within(20, talk())


CHILD = """
import socket, sys
from pathlib import Path
from setaria.adapters.upstreams.local.engine.process import run_engine
run_engine(socket.socket(fileno=int(sys.argv[1])), {"seedling": Path(sys.argv[2])}, int(sys.argv[3]))
"""


@pytest.mark.parametrize("ending", ["parent", "terminate"])
def test_the_process_ends_with_its_parent_or_by_sigterm(tmp_path: Path, seedling_folder: Path, ending: str) -> None:
    """The engine process answers, ignores Ctrl-C, and ends at once when the parent's pipe closes or SIGTERM comes."""
    listening = listening_socket(tmp_path / "engine")
    reading, writing = os.pipe()
    command = [sys.executable, "-c", CHILD, str(listening.fileno()), str(seedling_folder), str(reading)]
    process = subprocess.Popen(command, pass_fds=(listening.fileno(), reading))
    os.close(reading)

    async def talk() -> None:
        worker = await Worker.connect(tmp_path / "engine")
        worker.ask(Ping("p", "seedling"))
        await worker.hear()
        process.send_signal(signal.SIGINT)
        worker.ask(Generate("g", "seedling", question("Hello")), Generate("long", "seedling", LONG))
        await worker.hear_ends(1)
        if ending == "parent":
            os.close(writing)
        else:
            process.send_signal(signal.SIGTERM)
        while await worker.hear():
            pass
        assert worker.text("g").endswith(GREETING)
        worker.close()

    try:
        within(30, talk())
        assert process.wait(5) == 0
    finally:
        process.kill()
        process.wait()
        listening.close()
        if ending == "terminate":
            os.close(writing)
