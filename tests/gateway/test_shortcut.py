"""Shortcut: an answer that takes it is the same, byte for byte and token for token, as one that never does."""

import asyncio
import json
import re
from collections.abc import Callable
from functools import partial

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setaria.adapters.upstreams.http.connection import HttpConnection
from setaria.adapters.upstreams.http.pool import HttpPool
from setaria.adapters.upstreams.http.upstream import HttpUpstream, UpstreamSpec
from setaria.core.ids import CallId, KeyId
from setaria.core.protocol import ProtocolName
from setaria.domain.ledger.records import CallRecord
from setaria.gateway.audience import KEEP_ALIVE_S
from setaria.wire.http_chunk import write_chunk
from tests.adapters.upstreams.http.asking import CODECS, make_network
from tests.fakes.client import RecordingClient
from tests.fakes.platform import SEEDLING, Stage
from tests.fakes.waiting import turns, until
from tests.gateway.calling import PROTOCOLS, answer, body_of, play_on, received
from tests.gateway.test_admit import PROMPT, make

KINDS: dict[ProtocolName, str] = {"openai_chat": "openai", "anthropic_messages": "anthropic"}
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
OWN_IDS = re.compile(rb"(msg|call)_[0-9a-f]{24}")
PLENTY = 1_000_000


class Style(msgspec.Struct, frozen=True):
    """How a server writes: `separators` of its JSON, whether all is ASCII, what ends its lines, its model's name, how
    it calls reasoning, and whether it counts its output.
    """

    separators: tuple[str, str] = (",", ":")
    is_ascii: bool = False
    line_end: str = "\n"
    model: str = "seedling"
    thought: str = "reasoning_content"
    counts: bool = True

    def event(self, fields: dict[str, object], name: str = "") -> bytes:
        """Write one event."""
        data = json.dumps(fields, separators=self.separators, ensure_ascii=self.is_ascii)
        lines = [f"event: {name}"] if name else []
        return "".join(f"{line}{self.line_end}" for line in (*lines, f"data: {data}", "")).encode()


Delta = tuple[str, str]
"""What is said (text, thought, input) and its text; a `call` has the name of its function."""


def chat_events(said: list[Delta], style: Style) -> list[bytes]:
    """Say it as a server of Chat Completions does."""
    deltas: list[dict[str, object]] = [{"role": "assistant", "content": ""}]
    calls = 0
    for kind, text in said:
        if kind == "call":
            calls += 1
            function = {"name": text, "arguments": ""}
            deltas.append({"tool_calls": [{"index": calls - 1, "id": f"call-{calls}", "function": function}]})
        elif kind == "input":
            deltas.append({"tool_calls": [{"index": calls - 1, "function": {"arguments": text}}]} if calls else {})
        else:
            deltas.append({"content" if kind == "text" else style.thought: text})
    head: dict[str, object] = {"id": "c0ffee", "object": "chat.completion.chunk", "model": style.model}
    chunks = [{**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    usage = {"prompt_tokens": 10, "completion_tokens": 9, "total_tokens": 19} if style.counts else None
    end = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": usage}
    return [*(style.event(chunk) for chunk in (*chunks, end)), f"data: [DONE]{style.line_end * 2}".encode()]


def message_events(said: list[Delta], style: Style) -> list[bytes]:
    """Say it as a server of Messages does."""
    message = {"id": "msg_1", "role": "assistant", "model": style.model, "content": [], "usage": {"input_tokens": 10}}
    events: list[dict[str, object]] = [{"type": "message_start", "message": message}]
    index, is_open = -1, ""
    blocks: dict[str, dict[str, object]] = {
        "text": {"type": "text", "text": ""},
        "thought": {"type": "thinking", "thinking": "", "signature": ""},
    }
    fields = {"text": ("text_delta", "text"), "thought": ("thinking_delta", "thinking")}
    for kind, text in said:
        is_call = kind in ("call", "input")
        if kind == "input" and is_open != "call":
            continue
        if kind == "call" or not (is_call or kind == is_open):
            if is_open:
                events.append({"type": "content_block_stop", "index": index})
            index, is_open = index + 1, kind
            block = blocks.get(kind) or {"type": "tool_use", "id": f"call-{index}", "name": text, "input": {}}
            events.append({"type": "content_block_start", "index": index, "content_block": block})
        if kind != "call":
            type_, field = fields.get(kind, ("input_json_delta", "partial_json"))
            events.append({"type": "content_block_delta", "index": index, "delta": {"type": type_, field: text}})
    usage = {"output_tokens": 9} if style.counts else {}
    events.append({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage})
    events.append({"type": "message_stop"})
    return [style.event(event, str(event["type"])) for event in events]


WRITERS = {"openai_chat": chat_events, "anthropic_messages": message_events}


class Wire:
    """The connection to a model server that says what the test lets it say; implements the transport."""

    def __init__(self) -> None:
        self.connection: HttpConnection | None = None
        self.is_closed = False

    async def connect(self, factory: Callable[[], HttpConnection]) -> tuple["Wire", HttpConnection]:
        self.connection = factory()
        self.connection.connection_made(self)  # type: ignore[arg-type]  # a transport, as far as it is needed
        return self, self.connection

    def write(self, data: bytes) -> None: ...

    def abort(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def get_write_buffer_size(self) -> int:
        return 0

    def say(self, data: bytes) -> None:
        """Let the server say something, if anybody listens."""
        if not self.is_closed and self.connection is not None:
            self.connection.data_received(data)


class Call(msgspec.Struct, frozen=True):
    """Who asks whom, and how much money there is."""

    client: ProtocolName
    server: ProtocolName
    money: int = PLENTY
    drains: bool = False


class Told(msgspec.Struct, frozen=True):
    """What came of a call; `chunks` of its events took the shortcut."""

    stream: bytes
    row: CallRecord
    chunks: int


def ask(call: Call, pieces: list[bytes | None], *, takes_chunks: bool, tick_s: float = 0.0) -> Told:
    """Make a call whose server says these pieces, one a tick, None where the client leaves, and then closes."""
    client = RecordingClient(body_of(stream=True, max_tokens=2000), takes_chunks=takes_chunks)
    wire = Wire()

    async def story(stage: Stage) -> None:
        await stage.platform.desk.clerk.enter()
        spec = UpstreamSpec("scripted", "http://127.0.0.1:1")
        upstream = HttpUpstream(spec, CODECS[KINDS[call.server]], make_network(stage.clock), stage.clock)
        upstream._pool = HttpPool("scripted", wire.connect)  # type: ignore[arg-type]  # see `Wire`
        platform = msgspec.structs.replace(
            stage.platform, upstreams={"scripted": upstream}, relays={"scripted": upstream}
        )
        if call.drains:
            model = msgspec.structs.replace(SEEDLING, on_client_gone="drain", drain_tokens=40)
            platform.catalog.renew((model,), ())
        head = msgspec.structs.replace(received(stage, call.client), call_id=CallId("chatcmpl-1"))
        task = asyncio.get_running_loop().create_task(
            answer(head, client, msgspec.structs.replace(stage, platform=platform))
        )
        await until(lambda: wire.connection is not None and wire.connection._pooled is not None)
        wire.say(HEAD)
        for piece in pieces:
            if piece is None:
                client.leave()
            else:
                wire.say(piece)
            assert client.watcher is not None
            stage.clock.advance(tick_s)
            client.watcher.tick(stage.clock.monotonic_s())
            upstream.tick(stage.clock.monotonic_s())
        await turns()
        while not task.done():
            if wire.connection is not None:
                wire.connection.connection_lost(None)
            await turns()
        await upstream.close()

    stage = play_on(story, partial(make, money=call.money))
    (row,) = stage.ledger.rows
    stream = OWN_IDS.sub(b"ID", client.stream)
    return Told(stream, msgspec.structs.replace(row, key_id=KeyId("k")), len(client.chunks))


Cut = tuple[str, float]
"""How an event reaches us: whole, with the next in one chunk, with the next in one read, or in two pieces."""


def cut(events: list[bytes], cuts: list[Cut]) -> list[bytes | None]:
    """Frame events as chunks and cut those into reads; events beyond the cuts come whole."""
    pieces: list[bytes | None] = []
    waiting = read = b""
    for at, event in enumerate(events):
        how, share = cuts[at] if at < len(cuts) else ("whole", 0.0)
        waiting += event
        if how == "chunk" and at + 1 < len(events):
            continue
        middle = int(share * len(waiting))
        chunks = [waiting[:middle], waiting[middle:]] if how == "two chunks" else [waiting]
        framed = b"".join(map(write_chunk, chunks))
        waiting = b""
        read += framed
        if how == "read" and at + 1 < len(events):
            continue
        middle = int(share * len(read))
        pieces += [each for each in ((read[:middle], read[middle:]) if how == "two reads" else (read,)) if each]
        read = b""
    return pieces


TEXTS = st.one_of(
    st.sampled_from([" token", "a", "\n", '"', "\\", "\u2028", "日本", "\U0001f600", " " * 17, "é/", "\x7f\x00"]),
    st.sampled_from(["<think>", "</think>", '{"a":', "1}"]),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=40),
    st.sampled_from(["long " * 150, "long " * 300]),
)
RUNS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["text", "text", "thought", "input"]), st.lists(TEXTS, min_size=1, max_size=7)).map(
            lambda run: [(run[0], text) for text in run[1]]
        ),
        st.just([("call", "get_weather"), ("input", '{"city":'), ("input", ' "Paris'), ("input", '"}')]),
    ),
    min_size=1,
    max_size=5,
).map(lambda runs: [delta for run in runs for delta in run])
CUTS: st.SearchStrategy[list[Cut]] = st.one_of(
    st.just([]),
    st.lists(
        st.tuples(st.sampled_from(["whole"] * 6 + ["chunk", "read", "two chunks", "two reads"]), st.floats(0, 1)),
        max_size=20,
    ),
)
STYLES = st.builds(
    Style,
    separators=st.sampled_from([(",", ":"), (", ", ": ")]),
    is_ascii=st.booleans(),
    line_end=st.sampled_from(["\n", "\n", "\n", "\r\n"]),
    model=st.sampled_from(["seedling", "other", 'odd"name']),
    thought=st.sampled_from(["reasoning_content", "reasoning"]),
    counts=st.booleans(),
)
CALLS = st.builds(
    Call,
    client=st.sampled_from(PROTOCOLS),
    server=st.sampled_from(PROTOCOLS),
    money=st.sampled_from([PLENTY, PLENTY, PROMPT + 600]),
    drains=st.booleans(),
)
ODD = [b"8\r\ndata: {\n\r\n", b"e\r\ndata: [DONE]\n\n\r\n", b"4\r\n: a\n\r\n", b"zz\r\n", b"2\r\n\n\n\r\n"]
ENDS = st.sampled_from(["whole", "whole", "whole", "cut", "leave", *ODD])


@settings(max_examples=300, deadline=None)
@given(CALLS, RUNS, STYLES, CUTS, ENDS, st.floats(0, 1))
def test_the_shortcut_changes_nothing(
    call: Call, said: list[Delta], style: Style, cuts: list[Cut], end: bytes | str, share: float
) -> None:
    """Whatever a server says, however it is cut and wherever it ends: the same bytes, the same row."""
    pieces = cut(WRITERS[call.server](said, style), cuts)
    middle = int(share * len(pieces))
    match end:
        case "cut":
            pieces = pieces[:middle]
        case "leave":
            pieces.insert(middle, None)
        case bytes():
            pieces.insert(middle, end)
        case _:
            pieces.append(LAST_CHUNK)
    shortened, without = (ask(call, pieces, takes_chunks=takes_chunks) for takes_chunks in (True, False))
    assert (shortened.stream, shortened.row, without.chunks) == (without.stream, without.row, 0)


@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("server", PROTOCOLS)
@pytest.mark.parametrize("kind", ["text", "thought", "input"])
@pytest.mark.parametrize("model", ["seedling", "other"])
def test_what_takes_the_shortcut(client: ProtocolName, server: ProtocolName, kind: str, model: str) -> None:
    """Of like events the first goes the long way, and all that follow do not; they are counted all the same."""
    said = [(kind, f"{number},") for number in range(20)]
    said = [("call", "get_weather"), *said] if kind == "input" else said
    pieces = [*cut(WRITERS[server](said, Style(model=model, counts=False)), []), LAST_CHUNK]
    told = ask(Call(client, server), pieces, takes_chunks=True)
    counts_name = kind == "input" and server == "openai_chat"
    taken = 0 if (client, server, kind) == ("anthropic_messages", "openai_chat", "input") else 19
    assert told.chunks == taken
    assert (told.row.ending, told.row.usage.output_tokens) == ("completed", 20 + counts_name)


def test_what_takes_the_shortcut_is_a_sign_of_life() -> None:
    """No clock of the call runs out, and no other sign of life is written, while events take the shortcut."""
    events = cut(chat_events([("text", "a")] * 20, Style()), [])
    told = ask(Call("openai_chat", "openai_chat"), [*events, LAST_CHUNK], takes_chunks=True, tick_s=KEEP_ALIVE_S / 4)
    assert (told.row.ending, told.chunks, b"keep-alive" in told.stream) == ("completed", 19, False)
    assert told.row.duration_ms > 1000 * SEEDLING.timeouts.between_tokens_s


@pytest.mark.parametrize("client", PROTOCOLS)
@pytest.mark.parametrize("server", PROTOCOLS)
@pytest.mark.parametrize("how", ["whole", "two reads"])
def test_what_is_not_paid_for_takes_no_shortcut(client: ProtocolName, server: ProtocolName, how: str) -> None:
    """An answer ends at the same token, whichever way its events went."""
    events = WRITERS[server]([("text", "a")] * 700, Style(counts=False))
    pieces = cut(events, [(("whole", how)[at % 2], 0.5) for at in range(len(events))])
    call = Call(client, server, money=PROMPT + 600)
    shortened, without = (ask(call, pieces, takes_chunks=takes_chunks) for takes_chunks in (True, False))
    assert (shortened.stream, shortened.row) == (without.stream, without.row)
    assert (shortened.row.ending, shortened.row.usage.output_tokens) == ("out_of_funds", 300 + 256)
    assert shortened.chunks > 100
