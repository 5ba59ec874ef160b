"""Relay: what crosses, what is changed, what is kept back; and that it meters as the reader does."""

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.errors import SetariaError, UpstreamCut, UpstreamFailed
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Finish, ReasoningDelta, TextDelta, ToolCallStart, UsageReport
from setaria.core.usage import Usage
from setaria.wire.openai_chat.client import OpenAIUpstream
from setaria.wire.openai_chat.client.relay import ChatRelay
from setaria.wire.sse_reader import EVENT_LIMIT_BYTES
from tests.wire.openai_chat.client.test_reader import CASES, NAMES, read, split
from tests.wire.openai_chat.client.transcripts import (
    ASKED,
    CALLS,
    SERVERS,
    STOP,
    TRANSCRIPTS,
    USAGE,
    Transcript,
    choice,
    sse,
    told,
)

OUR_ID = re.compile(rb"call_[0-9a-f]{24}")
DETAILS = b'"completion_tokens_details":{"reasoning_tokens":0},"prompt_tokens_details":{"cached_tokens":0}'


def relay(pieces: list[bytes], model: str = "m") -> tuple[bytes, ChatRelay]:
    """Relay a stream that comes in these pieces."""
    reader = ChatRelay(model, estimate_dialogue(ASKED))
    return b"".join([*map(reader.feed, pieces), reader.close()]), reader


@pytest.mark.parametrize("transcript", CASES)
def test_the_relay_meters_as_the_reader_does(transcript: Transcript) -> None:
    """Bypass and translation give the same usage, and both know that something was said."""
    _, reader = relay([transcript.body], transcript.model)
    usage = next((event.usage for event in transcript.events if isinstance(event, UsageReport)), None)
    said = any(isinstance(event, TextDelta | ReasoningDelta | ToolCallStart) for event in transcript.events)
    assert (reader.usage, reader.finished, reader.meaningful, reader.said_tokens > 0) == (usage, True, True, said)


@pytest.mark.parametrize("transcript", CASES)
def test_what_the_relay_sends_says_what_the_server_said(transcript: Transcript) -> None:
    """A caller reads from the relayed bytes what the server said, and usage and ids also where that told none."""
    sent, reader = relay([transcript.body], transcript.model)
    estimate = UsageReport(Usage(estimate_dialogue(ASKED), output_tokens=reader.said_tokens), "upstream")
    told = transcript.events if reader.usage is not None else [*transcript.events, estimate]
    said = read([sent])
    ours = [
        isinstance(event, ToolCallStart) and event.id == "call_" for event in said
    ]  # where an id came late, or never
    told = [
        msgspec.structs.replace(event, id="call_") if is_ours else event
        for event, is_ours in zip(told, ours, strict=True)
    ]
    assert (said, sent.endswith(b"data: [DONE]\n\n")) == (told, True)


@pytest.mark.parametrize("transcript", SERVERS.values(), ids=list(SERVERS))
def test_a_regular_stream_crosses_byte_by_byte_as_it_is(transcript: Transcript) -> None:
    """Where the names are the same, the bytes are, but for the name of the reasoning and a usage at the end."""
    sent, _ = relay([transcript.body[at : at + 1] for at in range(len(transcript.body))], transcript.model)
    own = transcript.body.replace(b'"reasoning":', b'"reasoning_content":')
    if sent != own:
        added = sent.removeprefix(own.removesuffix(sse("[DONE]"))).removesuffix(sse("[DONE]"))
        chunk = msgspec.json.decode(added.removeprefix(b"data: "))
        assert (chunk["choices"], chunk["usage"]["total_tokens"] > 0) == ([], True)


@given(name=NAMES, places=st.lists(st.integers(0, 4000), max_size=8))
def test_a_stream_crosses_alike_at_any_split(name: str, places: list[int]) -> None:
    """The bytes sent and what was metered do not depend on how the stream came."""
    transcript = TRANSCRIPTS[name]
    sent, reader = relay(split(transcript.body, places), "seedling")
    whole, other = relay([transcript.body], "seedling")
    assert OUR_ID.sub(b"", sent) == OUR_ID.sub(b"", whole)
    assert (reader.usage, reader.said_tokens) == (other.usage, other.said_tokens)


@pytest.mark.parametrize("spaced", ['"model":"org/M"', '"model": "org/M"', '"model" : "org\\/M"'])
def test_the_public_name_of_the_model_is_shown(spaced: str) -> None:
    """The server's name is replaced wherever it names the model, and nowhere in what the model says."""
    chunk = f'{{{spaced},"choices":[{{"index":0,"delta":{{"content":"\\"model\\":\\"org/M\\""}}}}]}}'
    sent, _ = relay([sse(chunk, STOP)], "seedling")
    shown = spaced.replace('"org/M"', '"seedling"').replace('"org\\/M"', '"seedling"')
    assert sent.split(b"\n\n")[0] == b"data: " + chunk.replace(spaced, shown, 1).encode()


def test_the_name_is_learnt_from_the_first_chunk_that_has_one() -> None:
    """A first chunk with an empty name, as Azure sends it, teaches nothing."""
    sent, _ = relay([SERVERS["OpenAI on Azure: a first chunk without a model, then a refusal"].body], "seedling")
    assert (sent.count(b'"model":""'), sent.count(b'"model":"seedling"'), sent.count(b"gpt-5.1")) == (1, 4, 0)


def test_reasoning_under_both_names_stays_as_it_is() -> None:
    """Only reasoning that lacks the name that callers know gets it."""
    body = sse(
        choice('{"reasoning":"R","reasoning_content":"R"}'), choice('{"reasoning":{"effort":1}}'), STOP, USAGE, "[DONE]"
    )
    assert relay([body])[0] == body


@pytest.mark.parametrize(
    "usage, seen, usage_seen",
    [
        (
            told(prompt_tokens=-1, completion_tokens=2, total_tokens=7),
            b'{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,%b}' % DETAILS,
            Usage(5, 0, 0, 2, 0),
        ),
        (
            told(prompt_tokens="null"),
            b'{"prompt_tokens":6,"completion_tokens":0,"total_tokens":6,%b}' % DETAILS,
            None,
        ),
    ],
)
def test_odd_usage_is_rewritten(usage: str, seen: bytes, usage_seen: Usage | None) -> None:
    """What can't be true is mended in that one event; what can't be known is estimated there, and not told again."""
    sent, reader = relay([sse(STOP, usage, "[DONE]")])
    event = b'data: {"model":"m","choices":[],"usage":' + seen + b"}\n\n"
    assert (sent, reader.usage) == (sse(STOP) + event + sse("[DONE]"), usage_seen)


ZEROS = told(prompt_tokens=0, completion_tokens=0, total_tokens=0)


@pytest.mark.parametrize(
    "chunks, shown, usage_seen",
    [
        ((STOP, ZEROS), [(6, 2)], None),
        ((STOP, told(prompt_tokens=5, completion_tokens=0, total_tokens=5)), [(5, 2)], Usage(5)),
        (
            (told(prompt_tokens=5, completion_tokens=0, total_tokens=5), STOP, USAGE),
            [(5, 2), (5, 2)],
            Usage(5, 0, 0, 2),
        ),
        ((ZEROS, choice('{"content":"C"}'), STOP), [(6, 2), (6, 3)], None),
    ],
)
def test_zeros_are_not_believed(
    chunks: tuple[str, ...], shown: list[tuple[int, int]], usage_seen: Usage | None
) -> None:
    """No prompt is empty, and what was said took output; the caller sees what the books will hold."""
    sent, reader = relay([sse(choice('{"content":"A"}'), choice('{"content":"B"}'), *chunks)])
    counts = re.findall(rb'"prompt_tokens":(\d+),"completion_tokens":(\d+)', sent)
    assert ([(int(prompt), int(said)) for prompt, said in counts], reader.usage) == (shown, usage_seen)


def test_an_unknown_usage_does_not_hide_the_one_before() -> None:
    """The last usage that was told counts."""
    assert relay([sse(STOP, USAGE, told(prompt_tokens=-1))])[1].usage == Usage(5, 0, 0, 2, 0)


def test_chunks_without_meaning_are_told_apart() -> None:
    """A role, an empty text and a comment mean nothing yet; the first text does."""
    reader = ChatRelay("m", estimate_dialogue(ASKED))
    opening = b": wait\n\n" + sse(choice('{"role":"assistant","content":""}'))
    before = (reader.feed(opening), reader.meaningful, reader.said_tokens)
    text = sse(choice('{"content":"Hi"}'))
    after = (reader.feed(text), reader.meaningful, reader.said_tokens, reader.finished)
    assert (before, after) == ((opening, False, 0), (text, True, 1, False))


def test_long_texts_count_for_more_than_one_token() -> None:
    """A server that sends whole sentences as one event is not taken for a silent one."""
    body = sse(choice(f'{{"content":"{"word " * 20}"}}'), choice('{"tool_calls":[{"index":0}]}'), STOP)
    assert relay([body])[1].said_tokens == 26


def test_an_event_is_kept_back_until_it_is_whole() -> None:
    """Half an event never crosses, and all from the finish reason on waits for the end."""
    reader = ChatRelay("m", estimate_dialogue(ASKED))
    body = sse(choice('{"content":"Hi"}'), STOP, USAGE, "[DONE]")
    gap = body.index(b"\n\n")
    sent = [reader.feed(piece) for piece in (body[:10], b"", body[10 : gap + 1], body[gap + 1 : -1], body[-1:])]
    assert [*sent, reader.close()] == [b"", b"", b"", sse(choice('{"content":"Hi"}')), b"", sse(STOP, USAGE, "[DONE]")]


@pytest.mark.parametrize(
    "body, error",
    [
        (sse(choice('{"content":"A"}')), UpstreamCut),
        (sse(choice('{"role":"assistant","content":""}'), "[DONE]"), UpstreamCut),
        (sse(STOP)[:-5], UpstreamCut),
        (sse('{"error":{"message":"died"}}'), UpstreamFailed),
        (sse("{"), UpstreamFailed),
        (sse("[1]", "keep-alive"), UpstreamFailed),
        (sse('{"choices":"x","error":{"message":"died"}}'), UpstreamFailed),
        (b'data: {"choices":[{"delta":{"content":"\xff"}}]}\n\n', UpstreamFailed),
    ],
)
def test_what_is_no_whole_answer_is_an_error(body: bytes, error: type[SetariaError]) -> None:
    """A cut, an error in-band and what is no chunk raise."""
    with pytest.raises(error):
        relay([body])


ODD = [
    choice('{"content":[{"type":"text","text":"abc"}]}'),
    choice(r'{"content":"A \ud83c"}'),
    choice(r'{"content":"\udf3e B"}'),
    choice('{"content":{"parts":1}}'),
    choice('{"tool_calls":[{"index":0,"id":"a","function":["f"]}]}'),
    '{"choices":"x"}',
]


@pytest.mark.parametrize("is_split", [True, False])
def test_what_can_not_be_read_crosses_as_it_is(is_split: bool) -> None:
    """The reader only reads along: what the caller may understand is sent, and counts as something said."""
    pieces = [sse(chunk) for chunk in (*ODD, STOP, USAGE)]
    sent, reader = relay(pieces if is_split else [b"".join(pieces)])
    assert (sent, reader.said_tokens, reader.meaningful) == (sse(*ODD, STOP, USAGE, "[DONE]"), len(ODD), True)


def test_what_can_not_be_read_after_the_end_waits_for_it() -> None:
    """Nothing crosses from the finish reason on, and an error that comes then is passed over."""
    odd, error = '{"choices":"x"}', '{"choices":"x","error":{"message":"died"}}'
    reader = ChatRelay("m", estimate_dialogue(ASKED))
    assert reader.feed(sse(STOP, odd, error, USAGE)) == b""
    assert (reader.close(), reader.said_tokens) == (sse(STOP, odd, USAGE, "[DONE]"), 0)


def test_an_event_without_data_crosses() -> None:
    """Some proxies keep a stream alive with events that are empty."""
    body = b"data:\n\n" + sse(choice('{"content":"A"}')) + b"data:  \n\n"
    assert relay([body, sse(STOP, USAGE)])[0] == body + sse(STOP, USAGE, "[DONE]")


def test_a_huge_event_is_refused() -> None:
    """What is kept back is bounded."""
    reader = ChatRelay("m", estimate_dialogue(ASKED))
    for _ in range(EVENT_LIMIT_BYTES // 65536):
        reader.feed(b"x" * 65536)
    with pytest.raises(UpstreamFailed, match="8388608 bytes"):
        reader.feed(b"x")


def test_the_codec_opens_relays() -> None:
    """The codec gives a relay that shows the public name."""
    reader = OpenAIUpstream().open_relay("seedling", estimate_dialogue(ASKED))
    assert msgspec.json.decode(reader.feed(sse(choice('{"content":"A"}')))[6:])["model"] == "seedling"


def test_a_finish_means_something() -> None:
    """An answer that ends at once was begun."""
    assert (relay([sse(STOP)])[1].meaningful, read([sse(STOP)])) == (True, [Finish("stop")])


def test_what_came_before_an_error_in_the_same_piece_is_sent() -> None:
    """What a server said goes out though its error came in the same piece; the next call tells that."""
    said = sse(choice('{"content":"Hello"}'))
    for tell in ("feed", "close"):
        reader = ChatRelay("m", estimate_dialogue(ASKED))
        assert reader.feed(said + b'data: {"error":{"message":"the engine has crashed"}}\n\n') == said
        assert (reader.meaningful, reader.said_tokens) == (True, 1)
        with pytest.raises(UpstreamFailed, match="the engine has crashed"):
            reader.feed(b"") if tell == "feed" else reader.close()


def test_a_usage_written_again_names_the_public_model() -> None:
    """However the server spaces its events, the one with a corrected usage names no other model than the rest."""
    odd = b'data: {"model": "org/M", "choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 2}}\n\n'
    first = b'data: {"model": "org/M", "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
    sent, _ = relay([first, odd], "seedling")
    assert (b"org/M" in sent, sent.count(b"seedling")) == (False, 2)


SAYINGS = st.lists(
    st.builds(
        lambda key, text: choice(f'{{"{key}":{msgspec.json.encode(text).decode()}}}'),
        st.sampled_from(["content", "content", "content", "reasoning", "reasoning_content", "refusal"]),
        st.text(max_size=40),
    )
    | st.sampled_from(
        [
            choice('{"role":"assistant","content":""}'),
            choice('{"content":"a","reasoning":"b"}'),
            choice('{"reasoning":{"effort":1}}'),
            choice('{"content":"Hi"}', more=',"logprobs":null'),
            choice('{"tool_calls":[{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}]}'),
            choice('{"content":"cut"}', '"length"'),
            choice('{"content":"Hi"}').replace('"index":0', '"index":1'),
        ]
    ),
    max_size=30,
)


@given(chunks=SAYINGS, end=st.sampled_from(["\n\n", "\r\n\r\n", "\r\r"]), model=st.sampled_from(["m", "seedling"]))
def test_event_by_event_a_stream_crosses_as_it_does_whole(chunks: list[str], end: str, model: str) -> None:
    """What is recognised by its form is counted, named and sent as what is read in full; so it is when translated."""
    named = [chunk.replace("{", '{"model":"m",', 1) for chunk in chunks]
    pieces = [sse(chunk, end=end) for chunk in (*named, STOP, USAGE)]
    sent, reader = relay(pieces, model)
    whole, other = relay([b"".join(pieces)], model)
    assert (sent, reader.usage, reader.said_tokens) == (whole, other.usage, other.said_tokens)
    assert read(pieces) == read([b"".join(pieces)])


def test_a_form_is_not_looked_for_while_half_an_event_is_held_back() -> None:
    """A piece that looks like a whole event is part of the one that is not whole yet."""
    text = sse(choice('{"content":"Hi"}'))
    pieces = [text, text, b"data: ", text, text, b": \r", text, sse(STOP)]
    with pytest.raises(UpstreamFailed):
        relay(pieces)
    with pytest.raises(UpstreamFailed):
        read(pieces)


def test_a_known_form_is_looked_for_again_when_nothing_is_held_back() -> None:
    """After an event that came in halves, and after a comment that left its line end open, the form still counts."""
    text = sse(choice('{"content":"Hi"}'))
    pieces = [text, text, text[:9], text[9:], text, b": \r", text, text, sse(STOP)]
    sent, reader = relay(pieces)
    assert (sent.count(text), reader.said_tokens) == (6, 6)
    assert [event for event in read(pieces) if event == TextDelta("Hi")] == [TextDelta("Hi")] * 6


def test_what_a_server_does_not_count_is_told_by_estimate() -> None:
    """A stream without usage ends with one of ours, in the form of the server's own chunks and before the end mark."""
    head = '{"id": "x", "created": 7, "model": "org/M", "secret": 1, '
    said = [choice(f'{{"content":"{word}"}}').replace('{"model":"m",', head) for word in ("A", "B")]
    sent, reader = relay([sse(*said, STOP, "[DONE]")], "seedling")
    usage, mark = sent.split(b"\n\n")[-3:-1]
    assert (mark, reader.usage, reader.said_tokens) == (b"data: [DONE]", None, 2)
    assert msgspec.json.decode(usage[6:]) == {
        "id": "x",
        "created": 7,
        "model": "seedling",
        "choices": [],
        "usage": {
            "prompt_tokens": 6,
            "completion_tokens": 2,
            "total_tokens": 8,
            "completion_tokens_details": {"reasoning_tokens": 0},
            "prompt_tokens_details": {"cached_tokens": 0},
        },
    }


def test_an_estimate_that_was_shown_too_early_is_told_again() -> None:
    """A server that tells odd usage with every chunk is put right at the end."""
    odd = choice('{"content":"A"}').replace('"choices"', '"usage":{"prompt_tokens":-1},"choices"')
    sent, _ = relay([sse(odd, choice('{"content":"B"}'), STOP)])
    assert re.findall(rb'"completion_tokens":(\d+)', sent) == [b"1", b"2"]


def test_a_finish_reason_with_every_chunk_holds_up_nothing_but_the_last() -> None:
    """A server that gives a finish reason too early is believed when it says no more."""
    early = [sse(choice(f'{{"content":"{word}"}}', '"stop"')) for word in "AB"]
    reader = ChatRelay("m", estimate_dialogue(ASKED))
    comment = b": wait\n\n"
    sent = [reader.feed(piece) for piece in (early[0], comment, early[1], sse(USAGE))]
    assert [*sent, reader.close()] == [b"", b"", early[0], b"", early[1] + sse(USAGE, "[DONE]")]


CALL_A, CALL_B = '"id":"a","function":{"name":"f","arguments":""}', '"id":"b","function":{"name":"g","arguments":""}'
MORE = '"function":{"arguments":"{\\"x\\": 1}"}'


@pytest.mark.parametrize(
    "pieces, places",
    [
        ([(0, CALL_A), (0, MORE), (0, MORE), (1, CALL_B), (1, MORE), (1, MORE)], [0, 0, 0, 1, 1, 1]),
        ([(0, CALL_A), (0, MORE), (0, MORE), (0, CALL_B), (0, MORE), (0, MORE)], [0, 0, 0, 1, 1, 1]),
        ([(1, CALL_A), (1, MORE), (2, CALL_B), (2, MORE)], [1, 1, 2, 2]),
        ([(None, CALL_A), (None, MORE), (None, CALL_B), (None, MORE)], [0, 0, 1, 1]),
        ([(0, CALL_A), (0, MORE), (1, CALL_B), (0, CALL_B.replace("b", "c", 1)), (0, MORE)], [0, 0, 1, 2, 2]),
        ([(0, '"function":{"name":"f","arguments":"{}"}')] * 2, [0, 0]),
        ([(0, '"function":{"name":"f","arguments":"{}"}'), (0, MORE), (0, '"function":{"name":"f"}')], [0, 0, 1]),
        ([(0, CALL_A.replace('"",', "")), (None, '"id":"b"')], [0, 0]),
    ],
)
@pytest.mark.parametrize("is_split", [True, False])
def test_each_call_has_an_index_of_its_own(
    pieces: list[tuple[int | None, str]], places: list[int], is_split: bool
) -> None:
    """Callers tell calls apart by their index; one that a server left out or gave twice is put right, no other."""
    told = ["" if index is None else f'"index":{index},' for index, _ in pieces]
    events = [
        sse(choice(f'{{"tool_calls":[{{{index}{piece}}}]}}')) for index, (_, piece) in zip(told, pieces, strict=True)
    ]
    sent, reader = relay([*events, sse(CALLS, USAGE)] if is_split else [b"".join(events) + sse(CALLS, USAGE)])
    chunks = [msgspec.json.decode(event[6:]) for event in sent.split(b"\n\n")[: len(pieces)]]
    calls = [chunk["choices"][0]["delta"]["tool_calls"][0] for chunk in chunks]
    assert [call["index"] for call in calls] == places
    assert reader.said_tokens == len(pieces)
    assert all({call["index"]: call.get("id") for call in reversed(calls)}.values())
    if [index for index, _ in pieces] == places and all('"id"' in piece for index, piece in pieces[:1]):
        assert sent == b"".join(events) + sse(CALLS, USAGE, "[DONE]")


def test_usage_beside_the_finish_is_told_alone_once_more() -> None:
    """A stream ends with a chunk that holds the usage and no choices, always; what the server told stays as told."""
    usage = '"usage":{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7,"cost":0.1}'
    finish = f'{{"id":"x","model":"org/M","choices":[{{"index":0,"delta":{{}},"finish_reason":"stop"}}],{usage}}}'
    sent, reader = relay([sse(finish, "[DONE]")], "seedling")
    alone = f'{{"id":"x","choices":[],{usage},"model":"seedling"}}'
    assert sent == sse(finish.replace("org/M", "seedling"), alone, "[DONE]")
    assert reader.usage == Usage(5, 0, 0, 2)


def deltas(sent: bytes) -> list[dict[str, object]]:
    """Give the deltas of the chunks sent that have one."""
    chunks = [msgspec.json.decode(event[6:]) for event in sent.split(b"\n\n")[:-2]]
    return [choice["delta"] for chunk in chunks for choice in chunk["choices"]]


CALL = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
FOREIGN = '"model": "org/M", "choices"'


def foreign(delta: object, usage: str = "") -> bytes:
    """Write an event with this delta as another server would, with blanks."""
    chunk = choice(msgspec.json.encode(delta).decode()).replace('"model":"m","choices"', FOREIGN)
    return sse(f"{chunk[:-1]}{usage and f', {usage}'}}}")


@pytest.mark.parametrize("usage", ["", '"usage":{}'])
@pytest.mark.parametrize(
    "told, shown",
    [
        ([{"reasoning": "R", "reasoning_content": None}], [{"reasoning_content": "R"}]),
        ([{"reasoning": "R", "reasoning_content": ""}], [{"reasoning_content": "R"}]),
        ([{"reasoning": "R"}, {"reasoning": "S"}], [{"reasoning_content": "R"}, {"reasoning_content": "S"}]),
        (
            [{"tool_calls": [CALL]}, {"tool_calls": [CALL | {"id": "b"}]}],
            [{"tool_calls": [CALL]}, {"tool_calls": [CALL | {"index": 1, "id": "b"}]}],
        ),
        (
            [{"reasoning": "R", "tool_calls": [{name: CALL[name] for name in ("id", "function")}]}],
            [{"reasoning_content": "R", "tool_calls": [CALL]}],
        ),
        ([{"tool_calls": [CALL | {"index": "0", "id": 7}]}], [{"tool_calls": [CALL | {"id": "7"}]}]),
    ],
)
def test_no_change_undoes_another(told: list[object], shown: list[object], usage: str) -> None:
    """Reasoning, calls, usage and the model's name are all put right in one event, however the server spaces it."""
    sent, _ = relay([*(foreign(delta, usage) for delta in told), sse(STOP, USAGE)], "seedling")
    assert (deltas(sent), b"org/M" in sent) == ([*shown, {}], False)
    assert sent.count(b'"total_tokens":') == 1 + (len(told) if usage else 0)


def test_reasoning_is_renamed_however_it_is_spaced() -> None:
    """A blank before the colon hides no reasoning."""
    sent, _ = relay([sse(choice('{"reasoning" : "R"}'), STOP, USAGE)])
    assert deltas(sent) == [{"reasoning_content": "R"}, {}]


def test_a_name_that_changes_is_learnt_again() -> None:
    """The public name is shown also where the server names another model after the first chunk."""
    names = ["", "org/M-1", "org/M-2", "org/M-2", "seedling", "org/M-1"]
    chunks = [choice('{"content":"A"}').replace('"m"', f'"{name}"') for name in names]
    for pieces in ([sse(*chunks, STOP)], [*map(sse, chunks), sse(STOP)]):
        sent, _ = relay(pieces, "seedling")
        assert (sent.count(b'"model":"seedling"'), sent.count(b"org/M")) == (7, 0)


@pytest.mark.parametrize("told", [{}, {"id": None}, {"id": ""}])
def test_a_call_without_an_id_gets_one(told: dict[str, object]) -> None:
    """Callers answer a call by its id; it comes with the name and never again, whatever the server sends then."""
    begins = [{"tool_calls": [{"index": 0}]}, {"tool_calls": [{"index": 0, "function": {"name": "f"}} | told]}]
    more = [{"index": 0, "function": {"arguments": part}} | told for part in ("{", "}")] + [{"index": 0, "id": "late"}]
    sent, _ = relay([*map(foreign, begins), *(foreign({"tool_calls": [call]}) for call in more), sse(CALLS, USAGE)])
    empty, first, *others = [delta["tool_calls"][0] for delta in deltas(sent)[:-1]]  # type: ignore[index]  # JSON
    assert (empty, first["id"][:5], len(first["id"])) == ({"index": 0}, "call_", 29)
    assert not any(call.get("id") for call in others)


def test_long_arguments_count_as_they_are_long() -> None:
    """A server that sends a call's arguments at once is not taken for one that said a word; nor is one without any."""
    text = "x" * 400
    body = sse(choice(f'{{"tool_calls":[{{"index":0,"id":"a","function":{{"name":"f","arguments":"{text}"}}}}]}}'))
    assert relay([body, sse(CALLS)])[1].said_tokens == 100
