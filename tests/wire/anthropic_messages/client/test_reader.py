"""Reader: streams in the forms that real servers give them become the same events however the bytes were split."""

import itertools
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from setaria.core.errors import (
    ContextOverflow,
    InvalidRequest,
    UpstreamBusy,
    UpstreamCut,
    UpstreamFailed,
    UpstreamRefused,
)
from setaria.core.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.usage import Usage
from tests.wire.anthropic_messages.asking import CODEC, HEAD
from tests.wire.anthropic_messages.client.serving import (
    DIALOGUE,
    FAULT,
    STOP,
    TOLD,
    UPSTREAM,
    begin,
    delta,
    end,
    ending,
    frame,
    join,
    read,
    relay,
    said,
    start,
)
from tests.wire.anthropic_messages.client.transcripts import ANTHROPIC, MIMO, TRANSCRIPTS, VLLM

DONE = [Finish("stop"), UsageReport(TOLD, "upstream")]
CALL = begin(0, type="tool_use", id="toolu_1", name="read", input={})
MADE = ToolCallStart(0, "toolu_1", "read")
CALLED = [Finish("tool_calls"), UsageReport(TOLD, "upstream")]


@pytest.mark.parametrize("stream, expected", TRANSCRIPTS, ids=["anthropic", "vllm", "mimo"])
def test_real_streams(stream: bytes, expected: list[Event]) -> None:
    """A stream as a real server writes it becomes its events, whole and byte by byte, with any line ends."""
    for written in (stream, stream.replace(b"\n", b"\r\n"), b"\xef\xbb\xbf: hello\n\n" + stream):
        assert (expected, None) == read(written)
        assert (expected, None) == read(written, (1,) * len(written))


@pytest.mark.parametrize(
    "stream, expected",
    [
        (start() + ending() + STOP, DONE),
        (start() + said("Hi") + ending() + STOP, [TextDelta("Hi"), *DONE]),
        (start() + said("Hi") + ending(), [TextDelta("Hi"), *DONE]),
        (start() + said("Hi") + ending()[:-1], [TextDelta("Hi"), *DONE]),
        (start() + said("Hi") + ending() + FAULT + said("more", 1), [TextDelta("Hi"), *DONE]),
        (start() + said("Hi") + ending() + STOP + FAULT + ending() + STOP, [TextDelta("Hi"), *DONE]),
        (start() + said("Hi") + ending() + ending("max_tokens") + STOP, [TextDelta("Hi"), *DONE]),
        (start() + said("Hi") + ending() + b"data: [DONE]\n\n", [TextDelta("Hi"), *DONE]),
        (said("Hi") + start() + ending() + STOP, [TextDelta("Hi"), *DONE]),
        (start() + ending(None) + STOP, DONE),
        (start() + CALL + ending(None) + STOP, [MADE, ToolCallDelta(0, "{}"), *CALLED]),
        (start() + begin(0, type="text", text="Hi") + end(0) + ending(), [TextDelta("Hi"), *DONE]),
        (start() + delta(0, "text_delta", text="Hi") + end(0) + end(7) + ending(), [TextDelta("Hi"), *DONE]),
        (start() + delta(0, "text_delta", text="") + ending(), DONE),
        (start() + frame({"type": "content_block_delta", "index": 0}) + ending(), DONE),
        (start() + frame({"type": "content_block_start", "index": 0}) + end(0) + ending(), DONE),
        (start() + frame({"type": "message_delta", "usage": {"output_tokens": 15}}) + STOP, DONE),
        (frame({"type": "message_start"}) + said("Hi") + STOP, [TextDelta("Hi"), Finish("stop")]),
        (start() + b'event: news\ndata: {"delta": "?"}\n\n' + ending(), DONE),
        (start() + frame({"type": "news", "delta": 1, "index": "x"}) + ending(), DONE),
        (start() + said("Hi").replace(b'"type": "content_block_delta", ', b"") + ending(), [TextDelta("Hi"), *DONE]),
        (
            start() + begin(0, type="thinking", thinking="Hm", signature="ab") + end(0) + ending(),
            [ReasoningDelta("Hm"), ReasoningSignature("ab"), *DONE],
        ),
        (
            start()
            + begin(0, type="thinking", thinking="", signature="")
            + delta(0, "signature_delta", signature="a")
            + delta(0, "signature_delta", signature="b")
            + ending(),
            [ReasoningSignature("ab"), *DONE],
        ),
        (start() + delta(0, "signature_delta", signature="a") + ending(), [ReasoningSignature("a"), *DONE]),
        (
            start() + begin(0, type="text", text="") + delta(0, "signature_delta", signature="a") + ending(),
            DONE,
        ),
        (
            start()
            + begin(0, type="thinking")
            + delta(0, "thinking_delta", thinking="a")
            + delta(0, "text_delta", text="b")
            + delta(0, "thinking_delta", thinking="c")
            + ending(),
            [ReasoningDelta("a"), TextDelta("b"), ReasoningDelta("c"), *DONE],
        ),
        (
            start()
            + begin(0, type="tool_use", id="toolu_1", name="read", input={"a": 1})
            + end(0)
            + ending("tool_use"),
            [MADE, ToolCallDelta(0, '{"a": 1}'), *CALLED],
        ),
        (
            start()
            + begin(0, type="tool_use", id="toolu_1", name="read", input={"a": 1})
            + delta(0, "input_json_delta", partial_json='{"b"')
            + delta(0, "input_json_delta", partial_json=":2}")
            + ending("tool_use"),
            [MADE, ToolCallDelta(0, '{"b"'), ToolCallDelta(0, ":2}"), *CALLED],
        ),
        (
            start() + CALL + begin(0, type="tool_use", id="toolu_2", name="list", input=None) + ending("tool_use"),
            [MADE, ToolCallDelta(0, "{}"), ToolCallStart(1, "toolu_2", "list"), ToolCallDelta(1, "{}"), *CALLED],
        ),
        (
            start()
            + CALL
            + delta(1, "text_delta", text="Hi")
            + end(1)
            + delta(0, "text_delta", text="Ho")
            + ending("end_turn"),
            [MADE, ToolCallDelta(0, "{}"), TextDelta("Hi"), TextDelta("Ho"), *CALLED],
        ),
    ],
)
def test_unusual_streams(stream: bytes, expected: list[Event]) -> None:
    """What servers leave out, add or say twice changes nothing of what the model said."""
    assert (expected, None) == read(stream)
    assert (expected, None) == read(stream, (1,) * len(stream))


def test_calls_of_one_number_stay_apart() -> None:
    """The first piece of a call's input takes the place of what came with its start, also in a form that is known."""
    call = begin(0, type="tool_use", id="toolu_1", name="read", input={})
    piece = delta(0, "input_json_delta", partial_json="{ }")
    pieces = [start(), call, piece, end(0), call, piece, end(0), ending("tool_use")]
    made = [ToolCallDelta(0, "{ }"), ToolCallStart(1, "toolu_1", "read"), ToolCallDelta(1, "{ }")]
    assert ([MADE, *made, *CALLED], None) == read(b"".join(pieces), tuple(map(len, pieces)))


def escaped(text: str) -> bytes:
    """Write a delta of text that is told in this escaped form."""
    return delta(0, "text_delta", text="?").replace(b"?", text.encode())


@pytest.mark.parametrize(
    "pieces, expected",
    [
        ([r"A \ud83c", r"\udf3e B"], "A 🌾 B"),
        (["A", "B", r"C\ud83c", r"\udf3e", "D"], "ABC🌾D"),
        ([r"\udf3e A"], "\ufffd A"),
    ],
)
def test_a_character_that_comes_in_halves(pieces: list[str], expected: str) -> None:
    """Half a character waits for the rest, also where the form of an event is known; on the relay both cross."""
    events = [start(), begin(0, type="text", text=""), *map(escaped, pieces), end(0), ending(), STOP]
    stream = b"".join(events)
    for sizes in ((), (1,) * len(stream), tuple(map(len, events))):
        told, error = read(stream, sizes)
        assert ("".join(event.text for event in told if isinstance(event, TextDelta)), error) == (expected, None)
        sent, _, error = relay(stream, sizes)
        assert (b"".join(events[1:-1]) in sent, error) == (True, None)


@pytest.mark.parametrize("empty", [b"data:\n\n", b"event: ping\ndata:\n\n", b"event: content_block_delta\ndata: \n\n"])
def test_an_event_without_data_says_nothing(empty: bytes) -> None:
    """Some proxies keep a stream alive with events that are empty."""
    assert read(start() + empty + said("Hi") + empty + ending() + STOP) == ([TextDelta("Hi"), *DONE], None)


def test_values_of_another_type_are_read_as_what_they_mean() -> None:
    """A call whose id is a number, in a block whose index is a text, ends no answer."""
    call = begin(0, type="tool_use", id=1, name="read", input={}).replace(b'"index": 0', b'"index": "0"')
    expected = [ToolCallStart(0, "1", "read"), ToolCallDelta(0, '{"a":1}'), *CALLED]
    more = delta(0, "input_json_delta", partial_json='{"a":1}')
    assert read(start() + call + more + end(0) + ending("tool_use") + STOP) == (expected, None)


def test_a_call_without_an_id_gets_one() -> None:
    """A call that the server forgot to number can still be answered."""
    events, _ = read(start() + begin(0, type="tool_use", id="", name="read") + ending("tool_use"))
    assert isinstance(events[0], ToolCallStart)
    assert events[0].id.startswith("call_")


@pytest.mark.parametrize(
    "reason, sequence, expected",
    [
        ("end_turn", None, Finish("stop")),
        ("stop_sequence", "END", Finish("stop", "END")),
        ("stop_sequence", None, Finish("stop")),
        ("pause_turn", None, Finish("stop")),
        ("max_tokens", None, Finish("length")),
        ("model_context_window_exceeded", None, Finish("length")),
        ("tool_use", None, Finish("tool_calls")),
        ("refusal", None, Finish("content_filter")),
        ("content_filter", None, Finish("content_filter")),
        ("repetition_truncation", None, Finish("repetition_truncation")),
        ("something_new", None, Finish("stop")),
    ],
)
def test_stop_reasons(reason: str, sequence: str | None, expected: Finish) -> None:
    """Each word for why a model stopped is known, and one that is not is the end of its turn."""
    events, _ = read(start() + said("Hi") + ending(reason, stop_sequence=sequence) + STOP)
    assert events[1] == expected


BEGUN = start() + said("Hi")
TEXT = [TextDelta("Hi")]


def told(kind: str, message: str) -> bytes:
    """Write an error within a stream."""
    return frame({"type": "error", "error": {"type": kind, "message": message}})


@pytest.mark.parametrize(
    "stream, expected, kind, words",
    [
        (b"", [], UpstreamCut, "broke off"),
        (b": comment\n\n", [], UpstreamCut, "broke off"),
        (BEGUN, TEXT, UpstreamCut, "broke off"),
        (BEGUN + ending(None), TEXT, UpstreamCut, "broke off"),
        (BEGUN + ending()[:-3], TEXT, UpstreamCut, "broke off"),
        (BEGUN + FAULT, TEXT, UpstreamFailed, "Internal server error"),
        (BEGUN + b'data: {"error": "GPU fell off"}\n\n', TEXT, UpstreamFailed, "GPU fell off"),
        (BEGUN + told("overloaded_error", "Overloaded"), TEXT, UpstreamBusy, "Overloaded"),
        (BEGUN + told("rate_limit_error", "Slow down"), TEXT, UpstreamBusy, "Slow down"),
        (
            told("invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
            [],
            ContextOverflow,
            "9 tokens > 8",
        ),
        (told("invalid_request_error", "no such tool"), [], InvalidRequest, "no such tool"),
        (told("authentication_error", "bad key"), [], UpstreamRefused, "operator"),
        (BEGUN + b'data: {"error": {"code": "429", "type": "limitation"}}\n\n', TEXT, UpstreamBusy, "busy"),
        (BEGUN + start(), TEXT, UpstreamFailed, "second time"),
        (BEGUN + b"data: <html>\n\n", TEXT, UpstreamFailed, "malformed event"),
        (BEGUN + b'event: ping\ndata: {"type": true}\n\n', TEXT, UpstreamFailed, "malformed event"),
        (BEGUN + b'data: {"type":"content_block_delta","delta":3}\n\n', TEXT, UpstreamFailed, "content_block_delta"),
        (
            BEGUN + b'data: {"type":"content_block_delta","delta":{"text":"\xff"}}\n\n',
            TEXT,
            UpstreamFailed,
            "malformed",
        ),
        (BEGUN + begin(1, type="tool_use", id="a", name=""), TEXT, UpstreamFailed, "without the tool's name"),
        (start() + delta(0, "input_json_delta", partial_json="{"), [], UpstreamFailed, "not open"),
        (start() + CALL + delta(1, "input_json_delta", partial_json="{"), [MADE], UpstreamFailed, "not open"),
    ],
)
def test_streams_that_end_badly(stream: bytes, expected: list[Event], kind: type[Exception], words: str) -> None:
    """What was said before a cut or an error is told, then the error, however the bytes were split."""
    for sizes in ((), (1,) * len(stream)):
        events, error = read(stream, sizes)
        assert expected == events
        assert type(error) is kind
        assert words in str(error)


def test_an_error_stays() -> None:
    """After an error every call tells it again."""
    reader = UPSTREAM.open_reader(DIALOGUE)
    for _ in range(2):
        with pytest.raises(UpstreamFailed):
            reader.feed(FAULT)
    with pytest.raises(UpstreamFailed):
        reader.close()


def test_seen_usage_of_an_answer_under_way() -> None:
    """Until the server tells the output, the input that it told stands with our own estimate of the output."""
    reader = UPSTREAM.open_reader(DIALOGUE)
    assert reader.usage is None
    reader.feed(start() + said("Hi") + delta(1, "text_delta", text="x" * 100))
    assert Usage(25, output_tokens=26) == reader.usage


PIECES = st.lists(
    st.sampled_from(["think", "sign", "text", "call", "arguments"]).flatmap(
        lambda kind: st.tuples(st.just(kind), st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
    ),
    max_size=10,
)


def expand(pieces: list[tuple[str, str]]) -> list[Event]:
    """Make legal events of random pieces; arguments without a call before them are left out."""
    events: list[Event] = []
    calls = 0
    for kind, text in pieces:
        match kind:
            case "think" if text:
                events.append(ReasoningDelta(text))
            case "sign" if text and events and isinstance(events[-1], ReasoningDelta):
                events.append(ReasoningSignature(text))
            case "text" if text:
                events.append(TextDelta(text))
            case "call":
                events += [ToolCallStart(calls, f"call_{calls}", "tool"), ToolCallDelta(calls, json.dumps({"a": text}))]
                calls += 1
            case _:
                pass
    return events


@settings(deadline=None)
@given(PIECES, st.sampled_from(["length", "content_filter"]), st.lists(st.integers(0, 40), max_size=20))
def test_our_own_streams_come_back(pieces: list[tuple[str, str]], reason: str, sizes: list[int]) -> None:
    """What our server side writes of any events is read as the same events, with our signature where there was none."""
    finish = Finish("length") if reason == "length" else Finish("content_filter")
    usage = UsageReport(Usage(5, 7, 3, 11), "upstream")
    events = [*expand(pieces), finish, usage]
    writer = CODEC.open_stream(HEAD)
    stream = b"".join([writer.open(), *map(writer.write, events), writer.close()])
    found, error = read(stream, tuple(sizes))
    assert error is None
    own = [event for event in found if isinstance(event, ReasoningSignature) and event.signature.startswith("signed-")]
    expected = join(events)
    unsigned = sum(
        isinstance(one, ReasoningDelta) and not isinstance(two, ReasoningSignature)
        for one, two in itertools.pairwise(expected)
    )
    assert expected == join([event for event in found if event not in own])
    assert unsigned == len(own)


@settings(deadline=None, max_examples=50)
@given(st.sampled_from([ANTHROPIC, VLLM, MIMO]), st.lists(st.integers(0, 200), max_size=20))
def test_any_split_is_read_and_metered_alike(stream: bytes, sizes: list[int]) -> None:
    """However a stream is split, reader and relay tell what they tell of it in one piece, and the same tokens."""
    events, _ = read(stream)
    assert (events, None) == read(stream, tuple(sizes))
    sent, whole, _ = relay(stream)
    again, reader, error = relay(stream, tuple(sizes))
    assert (sent, None) == (again, error)
    assert (whole.usage, whole.said_tokens, True, True) == (
        reader.usage,
        reader.said_tokens,
        reader.meaningful,
        reader.finished,
    )
    assert events[-1] == UsageReport(reader.usage or Usage(), "upstream")


SAYINGS = st.lists(
    st.builds(lambda text: delta(0, "text_delta", text=text), st.text(max_size=40))
    | st.builds(lambda text: delta(0, "thinking_delta", thinking=text), st.text(max_size=20))
    | st.builds(lambda text: delta(0, "input_json_delta", partial_json=text), st.text(max_size=20))
    | st.sampled_from(
        [
            frame({"type": "ping"}),
            end(0),
            begin(0, type="text", text=""),
            begin(0, type="thinking", thinking=""),
            begin(0, type="tool_use", id="c", name="f", input={"a": 1}),
            begin(0, type="server_tool_use", id="c", name="f"),
            delta(0, "signature_delta", signature="s"),
            delta(0, "text_delta", text="a", thinking="b"),
            delta(0, "text_delta", thinking="b"),
        ]
    ),
    max_size=30,
)


@given(pieces=SAYINGS, line_end=st.sampled_from([b"\n", b"\r\n", b"\r"]))
def test_event_by_event_a_stream_is_read_as_it_is_whole(pieces: list[bytes], line_end: bytes) -> None:
    """What is recognised by its form is told, counted and sent as what is read in full."""
    pieces = [piece.replace(b"\n", line_end) for piece in (start(), *pieces, ending())]
    stream, sizes = b"".join(pieces), tuple(map(len, pieces))
    events, error = read(stream, sizes)
    whole, other = read(stream)
    assert (join(events), str(error)) == (join(whole), str(other))
    sent, reader, error = relay(stream, sizes)
    whole_sent, whole_reader, other = relay(stream)
    assert (sent, reader.usage, reader.said_tokens, str(error)) == (
        whole_sent,
        whole_reader.usage,
        whole_reader.said_tokens,
        str(other),
    )
