"""Handover: what the command line gives the parent and the parent its children, over a file descriptor."""

import asyncio
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable

import msgspec

from setaria.config import Settings, settings_from_json, settings_to_json

ENGINE_DOOR = "engine.sock"
CONSOLE_DOOR = "console.sock"


class Handover(msgspec.Struct, frozen=True):
    """The settings, the folder of the sockets, and what is known only later or only once.

    `base_url` is the address callers use, known when the server listens. `first_key` is the text of the first key,
    known at the first start only. `parent_id` tells the children of one parent from those of another.
    """

    settings: msgspec.Raw
    sockets: str
    base_url: str = ""
    first_key: str = ""
    parent_id: str = ""

    def read_settings(self) -> Settings:
        """Read the settings."""
        return settings_from_json(bytes(self.settings))


def make_handover(
    settings: Settings, sockets: str, *, base_url: str = "", first_key: str = "", parent_id: str = ""
) -> bytes:
    """Write a handover, one line without its end."""
    content = msgspec.Raw(settings_to_json(settings))
    return msgspec.json.encode(Handover(content, sockets, base_url, first_key, parent_id))


class Line:
    """A child's end of the line to its parent; see `entrypoints.parent.child`."""

    def __init__(self) -> None:
        """Open the line named on the command line, and leave Ctrl-C to the parent."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        self.name = sys.argv[1]
        self.socket = socket.socket(fileno=int(sys.argv[2]))
        self.doors = [socket.socket(fileno=int(number)) for number in sys.argv[3:]]
        content = b""
        while not content.endswith(b"\n"):
            more = self.socket.recv(65536)
            if not more:
                raise SystemExit(1)
            content += more
        self.handover = msgspec.json.decode(content, type=Handover)

    def say_ready(self) -> None:
        """Tell the parent that this process can do its work."""
        self.socket.send(b"ready")

    def watch(self, when_gone: Callable[[], None]) -> None:
        """Call back when the parent is gone."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            loop.remove_reader(self.socket)
            when_gone()

        self.socket.setblocking(False)  # noqa: FBT003 - the function takes no names
        loop.add_reader(self.socket, read)


def put_aside(content: bytes, folder: str) -> int:
    """Put a handover where the program that replaces this one can read it; gives the descriptor's number.

    Takes: folder, a private one; the handover lies there in a file without a name, for it may be too long for a pipe.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(content)
        file.seek(0)
        number = os.dup(file.fileno())
    os.set_inheritable(number, True)  # noqa: FBT003 - the function takes no names
    return number


def take_up(number: int) -> Handover:
    """Read what `put_aside` left."""
    with os.fdopen(number, "rb") as file:
        return msgspec.json.decode(file.read(), type=Handover)
