"""Asking: one call as a client makes it, and what the client makes of the answer, in either protocol."""

import contextlib
import http.client
import json
import time
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from tests.end_to_end.running import Running

Client = Literal["chat", "messages"]

TIMEOUT_S = 20
PATHS: dict[Client, str] = {"chat": "/v1/chat/completions", "messages": "/anthropic/v1/messages"}
DONE = b"[DONE]"


class Heard(NamedTuple):
    """What a client got: the text, the thought and the calls of the answer, and what is said of an error.

    `ended`: the stream came to its protocol's own end mark, or the body is a whole answer.
    """

    call_id: str
    status: int
    headers: dict[str, str]
    text: str
    thought: str
    calls: tuple[tuple[str, str], ...]
    model: str
    tokens: tuple[int, int] | None
    error: str
    message: str
    ended: bool
    seconds: float


def write_body(client: Client, model: str, *, stream: bool) -> dict[str, Any]:
    """Write a request."""
    more = {"max_tokens": 100, "thinking": {"type": "enabled", "budget_tokens": 50}} if client == "messages" else {}
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": stream, **more}


def send_call(platform: Running, client: Client, model: str, *, stream: bool) -> http.client.HTTPConnection:
    """Make a call, and give its connection without waiting for the answer."""
    connection = http.client.HTTPConnection(urlsplit(platform.base_url).netloc, timeout=TIMEOUT_S)
    headers = {"authorization": f"Bearer {platform.key}", "content-type": "application/json"}
    connection.request("POST", PATHS[client], json.dumps(write_body(client, model, stream=stream)), headers)
    return connection


def open_call(
    platform: Running, client: Client, model: str, *, stream: bool
) -> tuple[http.client.HTTPConnection, http.client.HTTPResponse]:
    """Make a call, and give the answer when its head is there."""
    connection = send_call(platform, client, model, stream=stream)
    return connection, connection.getresponse()


def ask(platform: Running, client: Client, model: str, *, stream: bool) -> Heard:
    """Make a call and read its answer to the end."""
    began_s = time.monotonic()
    connection, answer = open_call(platform, client, model, stream=stream)
    with contextlib.closing(connection):
        return hear(answer, began_s)


def hear(answer: http.client.HTTPResponse, began_s: float) -> Heard:
    """Read an answer to its end."""
    body = answer.read()
    headers = {name.lower(): value for name, value in answer.getheaders()}
    is_stream = headers["content-type"].startswith("text/event-stream")
    said = _Said()
    if not is_stream:
        said.take_whole(json.loads(body))
    for name, data in _split_events(body) if is_stream else ():
        said.take_event(name, data)
    return Heard(
        call_id=headers["x-request-id"],
        status=answer.status,
        headers=headers,
        text=said.text,
        thought=said.thought,
        calls=tuple((name, arguments) for name, arguments in said.calls),
        model=said.model,
        tokens=said.tokens,
        error=said.error.get("type", ""),
        message=said.error.get("message", ""),
        ended=said.ended,
        seconds=time.monotonic() - began_s,
    )


def _split_events(body: bytes) -> Iterator[tuple[str, bytes]]:
    """Split a stream, which must end with a whole event."""
    *events, rest = body.split(b"\n\n")
    assert rest == b""
    for event in events:
        lines = [line.partition(b": ") for line in event.split(b"\n")]
        fields = {name.decode(): value for name, _, value in lines if name}
        if "data" in fields:
            yield fields.get("event", b"").decode(), fields["data"]


class _Said:
    """Collects what an answer says, and checks that nothing follows its end."""

    def __init__(self) -> None:
        self.text = self.thought = self.model = ""
        self.calls: list[list[str]] = []
        self.tokens: tuple[int, int] | None = None
        self.error: dict[str, str] = {}
        self.ended = False

    def take_whole(self, answer: dict[str, Any]) -> None:
        """Take a whole answer."""
        self.error = answer.get("error", {})
        self.ended = not self.error
        self.model = answer.get("model", "")
        for choice in answer.get("choices", ()):
            self._take_delta(choice["message"])
        for block in answer.get("content", ()):
            self._take_block(block)
        if answer.get("usage"):
            self._take_usage(answer["usage"])

    def take_event(self, name: str, data: bytes) -> None:
        """Take an event of a stream."""
        assert not self.ended, "something follows the end mark"
        assert not self.error, "something follows the error"
        if data == DONE:
            self.ended = True
            return
        event = json.loads(data)
        assert event.get("type", "") == name
        if "error" in event:
            self.error = event["error"]
        for choice in event.get("choices", ()):
            self.model = event["model"]
            self._take_delta(choice["delta"])
        if event.get("choices") == []:
            self.model = event["model"]
        for usage in (event.get("usage"), event.get("message", {}).get("usage")):
            if usage:
                self._take_usage(usage)
        match name:
            case "message_start":
                self.model = event["message"]["model"]
            case "content_block_start":
                self._take_block(event["content_block"])
            case "content_block_delta":
                self._take_block_delta(event["delta"])
            case "message_stop":
                self.ended = True
            case _:
                pass

    def _take_usage(self, usage: dict[str, Any]) -> None:
        cached = usage.get("cache_read_input_tokens") or 0
        before = self.tokens or (0, 0)
        told = (
            usage.get("prompt_tokens", usage.get("input_tokens")),
            usage.get("completion_tokens", usage.get("output_tokens")),
        )
        assert all(count is None or (type(count) is int and count >= 0) for count in told), f"odd usage: {usage}"
        self.tokens = (before[0] if told[0] is None else told[0] + cached, before[1] if told[1] is None else told[1])

    def _take_delta(self, delta: dict[str, Any]) -> None:
        self.text += delta.get("content") or ""
        self.thought += delta.get("reasoning_content") or ""
        for number, call in enumerate(delta.get("tool_calls") or ()):
            function = call["function"]
            if call.get("index", number) >= len(self.calls):
                self.calls.append([function["name"], ""])
            self.calls[call.get("index", number)][1] += function.get("arguments") or ""

    def _take_block(self, block: dict[str, Any]) -> None:
        match block["type"]:
            case "text":
                self.text += block["text"]
            case "thinking":
                self.thought += block["thinking"]
            case "tool_use":
                self.calls.append([block["name"], json.dumps(block["input"]) if block["input"] else ""])
            case _:
                pass

    def _take_block_delta(self, delta: dict[str, Any]) -> None:
        match delta["type"]:
            case "text_delta":
                self.text += delta["text"]
            case "thinking_delta":
                self.thought += delta["thinking"]
            case "input_json_delta":
                self.calls[-1][1] += delta["partial_json"]
            case _:
                pass
