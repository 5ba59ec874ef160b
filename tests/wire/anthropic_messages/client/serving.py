"""Serving: what model servers say to these tests, and how it is read."""

import json
from typing import Any

from setaria.core.dialogue import Dialogue, Message, Sampling, Text
from setaria.core.errors import SetariaError
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client import AnthropicUpstream
from setaria.wire.upstream_codec import EventReader, RelayReader, UpstreamCodec

UPSTREAM = AnthropicUpstream()
AS_UPSTREAM: UpstreamCodec = UPSTREAM  # so that mypy holds it to the port
DIALOGUE = Dialogue((Message("user", (Text("Hi"),)),), thinking=True, max_output_tokens=100, sampling=Sampling(1, 0.95))
MODEL = "mimo-v2.5-pro"


def frame(data: Any) -> bytes:  # JSON of any form
    """Write one event as servers do."""
    return f"event: {data['type']}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()


def start(usage: object = None) -> bytes:
    """Write the start of a message; without a usage one of 25 tokens of input."""
    told = {"input_tokens": 25, "output_tokens": 1} if usage is None else usage
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-x", "content": []}
    return frame({"type": "message_start", "message": message | {"stop_reason": None, "usage": told}})


def begin(index: int | None, **block: object) -> bytes:
    """Write the start of a block."""
    return frame({"type": "content_block_start", "index": index, "content_block": block})


def delta(index: int | None, kind: str, **fields: object) -> bytes:
    """Write more of a block."""
    return frame({"type": "content_block_delta", "index": index, "delta": {"type": kind, **fields}})


def end(index: int | None) -> bytes:
    """Write the end of a block."""
    return frame({"type": "content_block_stop", "index": index})


def said(text: str, index: int | None = 0) -> bytes:
    """Write a block of text."""
    return begin(index, type="text", text="") + delta(index, "text_delta", text=text) + end(index)


def ending(reason: str | None = "end_turn", usage: object = None, **fields: object) -> bytes:
    """Write why the message ended; without a usage one of 15 tokens of output."""
    told = {"output_tokens": 15} if usage is None else usage
    stop = {"stop_reason": reason, "stop_sequence": None} | fields
    return frame({"type": "message_delta", "delta": stop, "usage": told})


STOP = frame({"type": "message_stop"})
PING = frame({"type": "ping"})
FAULT = frame({"type": "error", "error": {"type": "api_error", "message": "Internal server error"}})
TOLD = Usage(input_tokens=25, output_tokens=15)


def read(stream: bytes, sizes: tuple[int, ...] = ()) -> tuple[list[Event], SetariaError | None]:
    """Read a stream in pieces of these sizes, then the rest; gives the events, and the error that ended them."""
    reader: EventReader = UPSTREAM.open_reader(DIALOGUE)
    events: list[Event] = []
    try:
        for piece in cut(stream, sizes):
            events += reader.feed(piece)
        events += reader.close()
    except SetariaError as error:
        return events, error
    return events, None


def relay(stream: bytes, sizes: tuple[int, ...] = ()) -> tuple[bytes, RelayReader, SetariaError | None]:
    """Relay a stream in such pieces; gives what was sent on, the relay, and the error that ended it."""
    reader: RelayReader = UPSTREAM.open_relay(MODEL, estimate_dialogue(DIALOGUE))
    sent = b""
    try:
        for piece in cut(stream, sizes):
            sent += reader.feed(piece)
        sent += reader.close()
    except SetariaError as error:
        return sent, reader, error
    return sent, reader, None


def cut(stream: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    """Cut a stream into pieces of these sizes and the rest."""
    pieces = []
    for size in sizes:
        pieces.append(stream[:size])
        stream = stream[size:]
    return [*pieces, stream]


def join(events: list[Event]) -> list[Event]:
    """Join pieces of one kind that follow each other: how an answer was cut into events is the server's affair."""
    joined: list[Event] = []
    for event in events:
        match joined[-1:], event:
            case [TextDelta(before)], TextDelta(text):
                joined[-1] = TextDelta(before + text)
            case [ReasoningDelta(before)], ReasoningDelta(text):
                joined[-1] = ReasoningDelta(before + text)
            case [ToolCallDelta(index, before)], ToolCallDelta(same, text) if index == same:
                joined[-1] = ToolCallDelta(index, before + text)
            case _:
                joined.append(event)
    return joined
