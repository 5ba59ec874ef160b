"""Local upstream: the engine process as an upstream, seen from a worker.

Theory. A worker has one connection to the engine's socket, for all its calls. It is opened on first use, which makes
the parent process start the engine, and again on the next use after it broke. What moves it:

    state         a call comes           connected            failed to connect     connection lost
    IDLE          CONNECTING; it waits   -                    -                     -
    CONNECTING    it waits               CONNECTED; all go    IDLE; all fail        -
    CONNECTED     it goes                -                    -                     IDLE; all fail

A call is in `_asked` from its first moment until its end: told by the engine, by a failure, or by its cancelling.
What the engine tells of anything else was cancelled meanwhile and is dropped. Nothing here calls a sink from inside
`start`; sinks are called from the loop's own turn, so that one that raises ends no call but its own.
"""

import asyncio
import itertools
from collections.abc import Iterable
from pathlib import Path

import msgspec

from setaria.adapters.upstreams.local.call import LocalCall
from setaria.adapters.upstreams.local.connection import EngineConnection
from setaria.adapters.upstreams.local.frames import (
    MAX_FRAME_BYTES,
    Ask,
    Cancel,
    Count,
    Counted,
    Failed,
    Generate,
    Ping,
    Tell,
    encode_frame,
)
from setaria.core.errors import InvalidRequest, UpstreamFailed
from setaria.domain.routing.ports import Attempt, ModelRequest, Sink
