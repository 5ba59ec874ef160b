"""Play: one answer of the fault server, byte by byte as the scenario has it."""

import asyncio
import json
import socket
import struct
from collections.abc import Iterator
from typing import NamedTuple

from tests.fault_server import chat, messages
from tests.fault_server.loop import Asked, read_asked
from tests.fault_server.say import say
from tests.fault_server.scenario import Scenario

_RESET = struct.pack("ii", 1, 0)
_FOREVER_S = 3600
_PLAIN = Scenario()


class SeenRequest(NamedTuple):
    """A request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def key(self) -> str:
        """The API key, empty without one."""
        return self.headers.get("x-api-key") or self.headers.get("authorization", "").removeprefix("Bearer ")

    @property
    def is_anthropic(self) -> bool:
        """Whether it is the Messages protocol."""
        return self.path.partition("?")[0].endswith("/messages")

    @property
    def json(self) -> dict[str, object]:
        """The body, read."""
        return json.loads(self.body) if self.body else {}

    @property
    def model(self) -> str:
        """The model's name."""
        return str(self.json.get("model", ""))

    @property
    def asked(self) -> Asked:
        """What the model is asked."""
        return read_asked(self.json, is_anthropic=self.is_anthropic)


class Cut(Exception):
    """The connection was closed in the middle."""


class Play:
    """Plays on one connection."""

    def __init__(self, transport: asyncio.Transport, writable: asyncio.Event, scenario: Scenario = _PLAIN) -> None:
        self._transport = transport
        self._writable = writable
        self._body_bytes = 0
        self._scenario = scenario
        self._is_chunked = False

    def send_json(self, status: int, answer: object, extra: str = "") -> None:
        """Send a whole answer."""
        body = json.dumps(answer, ensure_ascii=False).encode()
        self._transport.write(
            _head(status, f"content-type: application/json\r\ncontent-length: {len(body)}\r\n{extra}")
        )
        self._transport.write(body)

    async def run(self, request: SeenRequest) -> None:
        """Play the scenario to its end."""
        scenario = self._scenario
        await _sleep_ms(scenario.head_delay_ms)
        if scenario.silent:
            await asyncio.sleep(_FOREVER_S)
        if scenario.garbage:
            self._transport.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")
            return
        if scenario.interim:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n")
        protocol = messages if request.is_anthropic else chat
        try:
            if scenario.status != 200:
                self.refuse(is_anthropic=protocol is messages)
                if scenario.slow_refusal:
                    await asyncio.sleep(_FOREVER_S)
            elif request.json.get("stream") and not scenario.json_stream:
                await self._stream(request)
            else:
                await self._whole(request)
        except Cut:
            return
        if scenario.close or scenario.framing == "until_close":
            self._transport.close()

    def refuse(self, *, is_anthropic: bool) -> None:
        """Answer with the scenario's error status."""
        status = self._scenario.status
        extra = f"retry-after: {self._scenario.retry_after}\r\n" if self._scenario.retry_after else ""
        protocol_error = messages.messages_error if is_anthropic else chat.chat_error
        body = protocol_error(status, is_overflow=self._scenario.overflow)
        if self._scenario.slow_refusal:
            self._transport.write(_head(status, f"content-length: 1000000\r\n{extra}") + json.dumps(body).encode())
        else:
            self.send_json(status, body, extra)

    async def _whole(self, request: SeenRequest) -> None:
        write = messages.messages_answer if request.is_anthropic else chat.chat_answer
        answer = write(say(self._scenario, request.asked), self._scenario, request.model)
        body = json.dumps(answer, ensure_ascii=False).encode()
        if self._scenario.broken_after >= 0:
            body = body[: len(body) // 2]
        framing = f"content-length: {len(body)}\r\n" if self._scenario.framing != "until_close" else ""
        self._transport.write(_head(200, f"content-type: application/json\r\n{framing}{self._odd_headers()}"))
        await self._write(body)

    async def _stream(self, request: SeenRequest) -> None:
        scenario = self._scenario
        events = list(self._events(request))
        framing = "transfer-encoding: chunked\r\n"
        if scenario.framing == "sized":
            framing = f"content-length: {sum(map(len, events))}\r\n"
        self._is_chunked = scenario.framing == "chunked"
        framing = "" if scenario.framing == "until_close" else framing
        self._transport.write(_head(200, f"content-type: text/event-stream\r\n{framing}{self._odd_headers()}"))
        await _sleep_ms(scenario.first_delay_ms)
        if scenario.glued:
            events = [b"".join(events)]
        for number, event in enumerate(events):
            if scenario.cut_mark and number == len(events) - 1:
                self._hang_up()
                raise Cut
            if number == scenario.hang_after:
                await asyncio.sleep(_FOREVER_S)
            await self._write(event)
            await _sleep_ms(scenario.gap_ms)
        if scenario.hang_after >= len(events):
            await asyncio.sleep(_FOREVER_S)
        if self._is_chunked:
            self._transport.write(b"0\r\n\r\n")

    def _events(self, request: SeenRequest) -> Iterator[bytes]:
        scenario, said = self._scenario, say(self._scenario, request.asked)
        list_events = messages.messages_events if request.is_anthropic else chat.chat_events
        error = messages.ERROR if request.is_anthropic else chat.ERROR
        for number, (name, data) in enumerate(list_events(said, scenario, request.model)):
            if number == scenario.error_after:
                yield self._frame("error" if request.is_anthropic else "", json.dumps(error))
                return
            yield self._frame(name, data[:-5] if number == scenario.broken_after else data)

    def _frame(self, name: str, data: str) -> bytes:
        lines = [f"event: {name}"] if name else []
        if self._scenario.comments:
            lines = [": still here", "", ":", *lines, "id: 1", "retry: 1000"]
        text = "\n".join([*lines, f"data: {data}", "", ""])
        return (text.replace("\n", "\r\n") if self._scenario.crlf else text).encode()

    async def _write(self, data: bytes) -> None:
        """Send a piece of the body, up to the byte at which the scenario cuts."""
        cut = self._scenario.cut
        is_last = cut >= 0 and self._body_bytes + len(data) >= cut
        if is_last:
            data = data[: cut - self._body_bytes]
        self._body_bytes += len(data)
        for piece in [data[i : i + 1] for i in range(len(data))] if self._scenario.bytewise else [data]:
            await self._writable.wait()
            if piece:
                self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if self._is_chunked else piece)
            await asyncio.sleep(0)
        if is_last:
            self._hang_up()
            raise Cut

    def _hang_up(self) -> None:
        if self._scenario.reset:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()
        else:
            self._transport.close()

    def _odd_headers(self) -> str:
        encoding = "content-encoding: gzip\r\n" if self._scenario.gzip else ""
        return encoding + f"x-padding: {'x' * self._scenario.big_head}\r\n" * bool(self._scenario.big_head)


def _head(status: int, headers: str) -> bytes:
    return f"HTTP/1.1 {status} Fault\r\nx-request-id: req_fault\r\n{headers}\r\n".encode()


async def _sleep_ms(delay_ms: int) -> None:
    if delay_ms:
        await asyncio.sleep(delay_ms / 1000)
