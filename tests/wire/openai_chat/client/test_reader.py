"""Reader: every transcript, whole, byte by byte and at random splits; and what is no legal answer."""

import itertools
import re
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.errors import ContextOverflow, SetariaError, UpstreamBusy, UpstreamCut, UpstreamFailed
from setaria.core.events import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from setaria.core.usage import Usage
from setaria.wire.openai_chat import OpenAIChat
from setaria.wire.openai_chat.client import OpenAIUpstream
from tests.wire.openai_chat.client.transcripts import (
    ASKED,
    REPORT,
    STOP,
    TRANSCRIPTS,
    USAGE,
    Transcript,
    choice,
    sse,
    told,
)
from tests.wire.openai_chat.telling import HEAD

CASES = [pytest.param(transcript, id=name) for name, transcript in TRANSCRIPTS.items()]
NAMES = st.sampled_from(sorted(TRANSCRIPTS))


def read(pieces: Iterable[bytes]) -> list[Event]:
    """Read a stream that comes in these pieces; an id of ours is shortened to its beginning."""
    reader = OpenAIUpstream().open_reader(ASKED)
    events = [event for piece in pieces for event in reader.feed(piece)]
    return [plain(event) for event in [*events, *reader.close()]]


def plain(event: Event) -> Event:
    """Shorten an id that we made up."""
    if isinstance(event, ToolCallStart) and len(event.id) == len("call_") + 24:
        return msgspec.structs.replace(event, id="call_")
    return event


def split(body: bytes, places: Iterable[int]) -> list[bytes]:
    """Split a body at these places."""
    marks = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    return [body[start:end] for start, end in itertools.pairwise(marks)]


@pytest.mark.parametrize("transcript", CASES)
def test_a_whole_transcript_is_read(transcript: Transcript) -> None:
    """A stream that comes at once gives its events."""
    assert read([transcript.body]) == transcript.events


@pytest.mark.parametrize("transcript", CASES)
def test_a_transcript_is_read_byte_by_byte(transcript: Transcript) -> None:
    """A stream gives the same events however slowly it comes."""
    assert read(transcript.body[at : at + 1] for at in range(len(transcript.body))) == transcript.events


@pytest.mark.parametrize("transcript", CASES)
def test_a_transcript_is_read_event_by_event(transcript: Transcript) -> None:
    """A stream that comes as it was written, so that forms are learnt from it, gives the same events."""
    assert read(re.split(rb"(?<=\n\n)", transcript.body)) == transcript.events


@given(name=NAMES, places=st.lists(st.integers(0, 4000), max_size=8))
def test_a_transcript_is_read_at_any_split(name: str, places: list[int]) -> None:
    """A stream gives the same events wherever it is split."""
    transcript = TRANSCRIPTS[name]
    assert read(split(transcript.body, places)) == transcript.events


@pytest.mark.parametrize(
    "body, error, words",
    [
        (sse(choice('{"content":"A"}')), UpstreamCut, "broke off"),
        (b"", UpstreamCut, "broke off"),
        (sse(choice('{"role":"assistant","content":""}'), "[DONE]"), UpstreamCut, "broke off"),
        (sse("[DONE]"), UpstreamCut, "broke off"),
        (sse(choice('{"content":"A"}'))[:-9], UpstreamCut, "broke off"),
        (sse("{"), UpstreamFailed, "no chat completion"),
        (sse('{"choices":"x"}'), UpstreamFailed, "no chat completion"),
        (b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', UpstreamFailed, "no chat completion"),
        (sse('{"a":' + "[" * 5000), UpstreamFailed, "no chat completion"),
        (sse(choice("{}", '"error"')), UpstreamFailed, "ended the answer with an error"),
        (sse(choice('{"tool_calls":[{"index":0,"function":{"arguments":"{}"}}]}'), STOP), UpstreamFailed, "name"),
        (sse('{"error":{"message":"engine died","type":"InternalServerError","code":500}}'), UpstreamFailed, "died"),
        (sse('{"object":"error","message":"oops","code":500}'), UpstreamFailed, "oops"),
        (sse('{"error":{"message":"slow","type":"rate_limit_error"}}'), UpstreamBusy, "later"),
        (
            sse('{"error":{"code":400,"message":"m","type":"exceed_context_size_error","n_prompt_tokens":9,"n_ctx":8}}'),
            ContextOverflow,
            "9 tokens > 8",
        ),
    ],
)  # fmt: skip
def test_what_is_no_whole_answer_is_an_error(body: bytes, error: type[SetariaError], words: str) -> None:
    """A cut, an error in-band and what is no chunk raise, whole and byte by byte alike."""
    with pytest.raises(error, match=words):
        read([body])
    with pytest.raises(error, match=words):
        read(body[at : at + 1] for at in range(len(body)))


def test_closing_after_done_gives_nothing_more() -> None:
    """What `[DONE]` ended is not ended again."""
    reader = OpenAIUpstream().open_reader(ASKED)
    assert (reader.feed(sse(STOP, "[DONE]")), reader.close()) == ([Finish("stop")], [])


MISTRAL = (
    '{"content":[{"type":"thinking","thinking":[{"type":"text","text":"Let"},{"type":"text","text":" me"}]}]}',
    '{"content":[{"type":"thinking","thinking":"see"},{"type":"text","text":"A"}]}',
    '{"content":"B"}',
)


@pytest.mark.parametrize(
    "deltas, said",
    [
        (MISTRAL, [ReasoningDelta("Let me"), ReasoningDelta("see"), TextDelta("A"), TextDelta("B")]),
        (['{"content":[{"type":"text","text":"A"},{"type":"reference","reference_ids":[1]}]}'], [TextDelta("A")]),
        (['{"content":"A","reasoning_content":[]}'], [TextDelta("A")]),
        ([r'{"content":"A \ud83c"}', r'{"content":"\udf3e B"}'], [TextDelta("A "), TextDelta("🌾 B")]),
        ([r'{"content":"\udf3e A"}'], [TextDelta("\ufffd A")]),
        (
            ['{"tool_calls":[{"index":"0","id":1,"function":{"name":"f","arguments":"{}"}}]}'],
            [ToolCallStart(0, "1", "f"), ToolCallDelta(0, "{}")],
        ),
        (
            [
                r'{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"\ud83c"}}]}',
                r'{"tool_calls":[{"index":0,"function":{"arguments":"\udf3e\"}"}}]}',
            ],
            [ToolCallStart(0, "a", "f"), ToolCallDelta(0, '{"x":"'), ToolCallDelta(0, '🌾"}')],
        ),
    ],
)
def test_values_of_another_type_are_read_as_what_they_mean(deltas: Iterable[str], said: list[Event]) -> None:
    """A text in parts, a character in halves, and numbers that are none end no answer."""
    body = sse(*map(choice, deltas), STOP, USAGE, "[DONE]")
    calls = any(isinstance(event, ToolCallStart) for event in said)
    expected = [*said, Finish("tool_calls" if calls else "stop"), REPORT]
    assert read([body]) == expected
    assert read(body[at : at + 1] for at in range(len(body))) == expected


def test_half_a_character_waits_for_the_rest_after_a_known_form() -> None:
    """Text in the form of the one before is not looked into, unless it is half a character."""
    deltas = (
        '{"content":"A"}',
        '{"content":"B"}',
        r'{"content":"C\ud83c"}',
        r'{"content":"\udf3e"}',
        '{"content":"D"}',
    )
    events = read([sse(chunk) for chunk in (*map(choice, deltas), STOP)])
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == "ABC🌾D"


@pytest.mark.parametrize("empty", [b"data:\n\n", b"data: \n\n", b"data\n\n", b"data:  \n\n"])
def test_an_event_without_data_says_nothing(empty: bytes) -> None:
    """Some proxies keep a stream alive with events that are empty."""
    assert read([empty, sse(choice('{"content":"A"}')), empty, sse(STOP), empty]) == [TextDelta("A"), Finish("stop")]


def test_output_that_was_not_counted_is_estimated() -> None:
    """Text in the form of the one before, reasoning, and calls all count where the server counts none of them."""
    call = choice('{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}')
    said = [choice('{"reasoning":"R"}'), *[choice('{"content":"A"}')] * 3, choice(f'{{"content":"{"word " * 20}"}}')]
    usage = told(prompt_tokens=5, completion_tokens=0, total_tokens=5)
    events = read([sse(chunk) for chunk in (*said, call, STOP, usage)])
    assert events[-1] == UsageReport(Usage(5, output_tokens=30), "estimate")


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
_DELTAS = st.lists(
    st.one_of(_TEXT.map(TextDelta), _TEXT.map(ReasoningDelta)).filter(lambda delta: "<" not in delta.text), max_size=6
)
_ARGUMENTS = st.dictionaries(_TEXT, _TEXT, max_size=3).map(lambda fields: msgspec.json.encode(fields).decode())
_TOKENS = st.integers(1, 10_000)


@given(
    deltas=_DELTAS,
    arguments=st.lists(_ARGUMENTS, max_size=3),
    tokens=st.tuples(_TOKENS, _TOKENS, _TOKENS, _TOKENS),
    places=st.lists(st.integers(0, 4000), max_size=4),
)
def test_our_own_stream_is_read_as_the_events_it_was_written_from(
    deltas: list[TextDelta | ReasoningDelta],
    arguments: list[str],
    tokens: tuple[int, int, int, int],
    places: list[int],
) -> None:
    """What our server side writes, our client side reads as the same events."""
    fresh, cached, said, thought = tokens
    events: list[Event] = [*deltas]
    for index, text in enumerate(arguments):
        half = len(text) // 2
        events += [ToolCallStart(index, f"call_{index}", "look")]
        events += [ToolCallDelta(index, piece) for piece in (text[:half], text[half:]) if piece]
    usage = Usage(fresh, cached, 0, said + thought, thought)
    events += [Finish("tool_calls" if arguments else "length"), UsageReport(usage, "upstream")]
    stream = OpenAIChat().open_stream(HEAD)
    body = b"".join((stream.open(), *map(stream.write, events), stream.close()))
    assert merged(read(split(body, places))) == merged(events)


def merged(events: list[Event]) -> list[Event]:
    """Join neighbours of one kind, for white space at the beginning is held back."""
    joined: list[Event] = []
    for event in events:
        last = joined[-1] if joined else None
        if isinstance(event, TextDelta) and isinstance(last, TextDelta):
            joined[-1] = TextDelta(last.text + event.text)
        else:
            joined.append(event)
    return joined


def test_what_came_before_an_error_in_the_same_piece_is_told() -> None:
    """What a server said is told though its error came in the same piece; the next call tells that."""
    body = sse(choice('{"content":"Hello"}'), '{"error":{"message":"the engine has crashed"}}')
    for tell in ("feed", "close"):
        reader = OpenAIUpstream().open_reader(ASKED)
        assert reader.feed(body) == [TextDelta("Hello")]
        with pytest.raises(UpstreamFailed, match="the engine has crashed"):
            reader.feed(b"") if tell == "feed" else reader.close()
