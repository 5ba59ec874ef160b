"""Scripted: a real worker process whose engine says what a test wants, behind the same socket and the same frames."""

import contextlib
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from setaria.adapters.upstreams.local.frames import (
    Ask,
    Cancel,
    Count,
    Counted,
    Done,
    FrameReader,
    Generate,
    Observe,
    Piece,
    Ping,
    Pong,
    Started,
    Tell,
    encode_frame,
)
from setaria.bootstrap.handover import ENGINE_DOOR, make_handover
from setaria.bootstrap.preparation import prepare
from setaria.config import load_settings, runtime_folder
from setaria.core.dialogue import Dialogue

Script = Callable[[Dialogue], str]
INPUT_TOKENS = 40
PIECE_CHARACTERS = 7


class ScriptedEngine:
    """Answers every dialogue with the raw text that a script gives, a few characters at a time."""

    def __init__(self, path: Path, script: Script) -> None:
        self._script = script
        self._door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._door.bind(str(path))
        self._door.listen()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections."""
        self._door.close()

    def _serve(self) -> None:
        decode = msgspec.msgpack.Decoder(Ask).decode
        frames = FrameReader()
        with contextlib.suppress(OSError), self._door.accept()[0] as line:
            while data := line.recv(65536):
                for payload in frames.feed(data):
                    for tells in self._answer(decode(payload)):
                        line.sendall(encode_frame(tells))

    def _answer(self, ask: Ask) -> Iterator[list[Tell]]:
        match ask:
            case Generate(id=id_, dialogue=dialogue):
                text = self._script(dialogue)
                yield [Started(id_, INPUT_TOKENS, cached_tokens=10, inside_thinking=False)]
                pieces = [text[at : at + PIECE_CHARACTERS] for at in range(0, len(text), PIECE_CHARACTERS)]
                for piece in pieces:
                    yield [Piece(id_, piece, 1)]
                yield [Done(id_, "stop", len(pieces))]
            case Count(id=id_):
                yield [Counted(id_, INPUT_TOKENS)]
            case Ping(id=id_):
                yield [Pong(id_)]
            case Cancel() | Observe():
                pass


@contextlib.contextmanager
def scripted_worker(data: Path, script: Script) -> Iterator[tuple[str, str]]:
    """Run a worker with a scripted engine; gives its base address and a key."""
    settings = load_settings(data, None)
    key = prepare(settings)
    sockets = runtime_folder(settings)
    engine = ScriptedEngine(sockets / ENGINE_DOOR, script)
    listener = socket.create_server(("127.0.0.1", 0))
    ours, theirs = socket.socketpair()
    numbers = (theirs.fileno(), listener.fileno())
    worker = subprocess.Popen(
        [sys.executable, "-m", "setaria.bootstrap.worker", "worker-1", *map(str, numbers)],
        pass_fds=numbers,
        stderr=subprocess.DEVNULL,
    )
    try:
        ours.sendall(make_handover(settings, str(sockets)) + b"\n")
        assert ours.recv(16) == b"ready"
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", key or ""
    finally:
        worker.terminate()
        worker.wait(timeout=15)
        for each in (ours, theirs, listener):
            each.close()
        engine.close()


def last_words(dialogue: Dialogue) -> str:
    """Give the last message as JSON, for a script to look at."""
    return json.dumps(msgspec.to_builtins(dialogue.messages[-1]))
