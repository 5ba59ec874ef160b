"""Local upstream: the engine process as an upstream, seen from a worker.

Theory. A worker has one connection to the engine's socket, for all its calls. It is opened on first use, which makes
the parent process start the engine, and again on the next use after it broke. What moves it:

    state         a call or question comes   connected            failed to connect    connection lost
    IDLE          CONNECTING; it waits       -                    -                    -
    CONNECTING    it waits                   CONNECTED; all go    IDLE; all fail       IDLE; all fail
    CONNECTED     it goes                    -                    -                    IDLE; all fail

An ask is known from its first moment until its end: its last tell, a failure, or that nobody wants it any more. What
the engine tells of an ask that is not known is dropped.
"""

import asyncio
import itertools
from pathlib import Path

from setaria.adapters.upstreams.local.call import LocalCall
from setaria.adapters.upstreams.local.connection import EngineConnection
from setaria.adapters.upstreams.local.frames import (
    MAX_FRAME_BYTES,
    Cancel,
    Count,
    Counted,
    Done,
    Failed,
    Generate,
    Observe,
    Observed,
    Ping,
    Pong,
    Tell,
    encode_frame,
)
from setaria.core.errors import InvalidRequest, UpstreamFailed
from setaria.domain.routing.ports import Attempt, ModelRequest, Sink

_BROKE_OFF = "the local engine broke off; it is started anew by the next call"


class LocalUpstream:
    """The engine process behind a Unix socket.

    Takes: answer_within_s, how long a count or a check may take; checked_model, which a check asks before any other was
    used.
    """

    def __init__(
        self, socket_path: Path, name: str = "local", answer_within_s: float = 2.0, checked_model: str = "seedling"
    ) -> None:
        self.name = name
        self._socket_path = socket_path
        self._answer_within_s = answer_within_s
        self._numbers = itertools.count(1)
        self._calls: dict[str, LocalCall] = {}
        self._questions: dict[str, asyncio.Future[Tell]] = {}
        self._waiting: dict[str, bytes] = {}
        self._connecting: asyncio.Task[None] | None = None
        self._connection: EngineConnection | None = None
        self._last_model = checked_model

    def start(self, request: ModelRequest, sink: Sink) -> Attempt:
        """Ask for an answer; it and any error come to the sink, in a later turn of the loop."""
        ask_id = str(next(self._numbers))
        call = LocalCall(request.dialogue, sink, lambda: self._forget(ask_id))
        frame = encode_frame(Generate(ask_id, request.model, request.dialogue))
        self._last_model = request.model
        if len(frame) > MAX_FRAME_BYTES:
            call.fail(InvalidRequest("the request is too large for the local engine; send less", param="messages"))
            return call
        self._calls[ask_id] = call
        self._send(ask_id, frame)
        return call

    async def count_input_tokens(self, request: ModelRequest) -> int | None:
        """Count the tokens that the dialogue would be read as; None when the engine does not tell in time."""
        ask_id = str(next(self._numbers))
        frame = encode_frame(Count(ask_id, request.model, request.dialogue))
        match await self._question(ask_id, frame):
            case Counted(input_tokens=input_tokens) | Failed(kind="context", input_tokens=input_tokens):
                return input_tokens
            case _:
                return None

    @property
    def is_connected(self) -> bool:
        """Whether the engine runs and this worker has a connection to it."""
        return self._connection is not None

    async def observe(self) -> Observed | None:
        """Ask the engine how busy it is; None when it does not tell in time.

        Order: only where the engine runs, for asking one that does not would start it.
        """
        ask_id = str(next(self._numbers))
        told = await self._question(ask_id, encode_frame(Observe(ask_id)))
        return told if isinstance(told, Observed) else None

    async def check(self) -> str:
        """Tell what is wrong with the engine; it is started for this if it does not run."""
        ask_id = str(next(self._numbers))
        match await self._question(ask_id, encode_frame(Ping(ask_id, self._last_model))):
            case Pong():
                return ""
            case Failed(message=message):
                return message
            case _:
                return f"the local engine did not answer within {self._answer_within_s:g} s"

    async def close(self) -> None:
        """End the connection; calls under way fail."""
        connecting, connection = self._connecting, self._connection
        self._connecting = self._connection = None
        self._fail_all("the server is stopping; send the request again")
        if connecting is not None:
            connecting.cancel()
            await asyncio.wait([connecting])
        if connection is not None:
            await connection.close()

    async def _question(self, ask_id: str, frame: bytes) -> Tell | None:
        """Ask for one tell; None when it does not come in time."""
        if len(frame) > MAX_FRAME_BYTES:
            return None
        answer: asyncio.Future[Tell] = asyncio.get_running_loop().create_future()
        self._questions[ask_id] = answer
        self._send(ask_id, frame)
        try:
            async with asyncio.timeout(self._answer_within_s):
                return await answer
        except TimeoutError:
            return None
        finally:
            self._forget(ask_id)

    def _send(self, ask_id: str, frame: bytes) -> None:
        if self._connection is not None:
            self._connection.send(frame)
            return
        self._waiting[ask_id] = frame
        if self._connecting is None:
            self._connecting = asyncio.get_running_loop().create_task(self._connect())

    async def _connect(self) -> None:
        connection = EngineConnection(self._take, self._lose)
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: connection, str(self._socket_path))
        except OSError as error:
            self._connecting = None
            self._fail_all(f"the local engine can't be reached: {error.strerror or error}")
            return
        self._connecting = None
        if not connection.is_open:
            self._fail_all(_BROKE_OFF)
            return
        self._connection = connection
        waiting, self._waiting = self._waiting, {}
        for frame in waiting.values():
            connection.send(frame)

    def _take(self, tells: list[Tell]) -> None:
        for tell in tells:
            call = self._calls.get(tell.id)
            question = self._questions.pop(tell.id, None)
            if isinstance(tell, (Done, Failed)):
                self._calls.pop(tell.id, None)
            if call is not None:
                call.take(tell)
            elif question is not None and not question.cancelled():
                question.set_result(tell)

    def _forget(self, ask_id: str) -> None:
        """Stop an ask; harmless when it is not known any more."""
        call = self._calls.pop(ask_id, None)
        question = self._questions.pop(ask_id, None)
        was_sent = self._waiting.pop(ask_id, None) is None
        if (call is not None or question is not None) and was_sent and self._connection is not None:
            self._connection.send(encode_frame(Cancel(ask_id)))

    def _lose(self, connection: EngineConnection) -> None:
        if connection is self._connection:
            self._connection = None
            self._fail_all(_BROKE_OFF)

    def _fail_all(self, message: str) -> None:
        calls, self._calls = self._calls, {}
        questions, self._questions = self._questions, {}
        self._waiting = {}
        for call in calls.values():
            call.fail(UpstreamFailed(message))
        for ask_id, question in questions.items():
            if not question.cancelled():
                question.set_result(Failed(ask_id, "failed", message))
