"""Answer: whole answers, read as events and relayed."""

import msgspec
import pytest

from setaria.core.answer import Answer, AnswerBuilder
from setaria.core.dialogue import ToolCall
from setaria.core.errors import ContextOverflow, SetariaError, UpstreamFailed
from setaria.core.events import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from setaria.core.usage import Usage
from setaria.wire.openai_chat import OpenAIChat
from setaria.wire.openai_chat.client import OpenAIUpstream
from tests.wire.openai_chat.client.transcripts import ASKED, REPORT
from tests.wire.openai_chat.telling import HEAD

USAGE = b'{"prompt_tokens":5,"completion_tokens":2,"total_tokens":7}'


def body(message: bytes, finish: bytes = b'"stop"', usage: bytes = USAGE, model: bytes = b'"m"') -> bytes:
    """Make a whole answer."""
    return (
        b'{"id":"x","object":"chat.completion","model":%b,"choices":[{"index":0,"message":%b,"finish_reason":%b}],'
        b'"usage":%b,"service":1}' % (model, message, finish, usage)
    )


CALL = (
    b'{"role":"assistant","content":null,'
    b'"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":%b}}]}'
)


@pytest.mark.parametrize(
    "answer, events",
    [
        (body(b'{"content":"A","refusal":null}'), [TextDelta("A"), Finish("stop"), REPORT]),
        (
            body(b'{"content":"A","reasoning_content":"R","tool_calls":[]}', b'"length"'),
            [ReasoningDelta("R"), TextDelta("A"), Finish("length"), REPORT],
        ),
        (body(b'{"content":"<think>R</think>A"}'), [ReasoningDelta("R"), TextDelta("A"), Finish("stop"), REPORT]),
        (body(b'{"content":[{"type":"text","text":"A"}]}'), [TextDelta("A"), Finish("stop"), REPORT]),
        (
            body(
                b'{"content":[{"type":"thinking","thinking":[{"type":"text","text":"R"}]},{"type":"text","text":"A"}]}'
            ),
            [ReasoningDelta("R"), TextDelta("A"), Finish("stop"), REPORT],
        ),
        (body(rb'{"content":"A \ud83c"}'), [TextDelta("A \ufffd"), Finish("stop"), REPORT]),
        (body(b'{"refusal":"No"}', b"null"), [TextDelta("No"), Finish("stop"), REPORT]),
        (
            body(CALL % b'"{\\"x\\":1}"', b'"tool_calls"'),
            [ToolCallStart(0, "a", "f"), ToolCallDelta(0, '{"x":1}'), Finish("tool_calls"), REPORT],
        ),
        (body(b'{"content":""}', usage=b"null"), [Finish("stop")]),
        (body(b'{"content":""}', usage=b"{}"), [Finish("stop")]),
        (
            body(b'{"content":"A"}', usage=b'{"prompt_tokens":5,"completion_tokens":0,"total_tokens":5}'),
            [TextDelta("A"), Finish("stop"), UsageReport(Usage(5, output_tokens=1), "estimate")],
        ),
    ],
)
def test_a_whole_answer_is_read_as_events(answer: bytes, events: list[Event]) -> None:
    """All that a message holds comes as events, in order."""
    assert OpenAIUpstream().read_answer(answer, ASKED) == events


@pytest.mark.parametrize(
    "answer, error",
    [
        (b"", UpstreamFailed),
        (b"<html>", UpstreamFailed),
        (b"[]", UpstreamFailed),
        (b"{}", UpstreamFailed),
        (b'{"choices":[]}', UpstreamFailed),
        (b'{"choices":[{"delta":{"content":"A"}}]}', UpstreamFailed),
        (b'{"error":{"message":"died"}}', UpstreamFailed),
        (b'{"error":{"message":"long","n_prompt_tokens":9,"n_ctx":8}}', ContextOverflow),
        (body(b"null"), UpstreamFailed),
        (body(b'{"content":true}'), UpstreamFailed),
    ],
)
def test_what_is_no_answer_is_an_error(answer: bytes, error: type[SetariaError]) -> None:
    """It raises on both paths, whatever its status said."""
    with pytest.raises(error):
        OpenAIUpstream().read_answer(answer, ASKED)
    with pytest.raises(error):
        OpenAIUpstream().relay_answer(answer, "m", ASKED)


def test_our_own_answer_is_read_as_it_was_written() -> None:
    """What our server side writes, our client side reads as the same answer."""
    answer = Answer(
        reasoning="R",
        text="A \u2028",
        tool_calls=(ToolCall("a", "f", "{}"), ToolCall("b", "g", '{"x":1}')),
        finish="tool_calls",
        usage=Usage(50, 192, 0, 171, 110),
    )
    builder = AnswerBuilder()
    for event in OpenAIUpstream().read_answer(OpenAIChat().write_answer(HEAD, answer), ASKED):
        builder.add(event)
    assert builder.build() == answer


@pytest.mark.parametrize(
    "answer",
    [
        body(b'{"content":"A","reasoning_content":"R"}'),
        body(CALL % b'"{}"', b'"tool_calls"'),
        body(b'{"content":"A","tool_calls":[{"id":"a"}]}'),
        body(b'{"content":"A","tool_calls":[]}'),
        body(b'{"content":[{"type":"text","text":"A"}]}'),
        body(rb'{"content":"A \ud83c"}'),
    ],
)
def test_a_regular_answer_crosses_as_it_is(answer: bytes) -> None:
    """Nothing is written again that needs no change."""
    assert OpenAIUpstream().relay_answer(answer, "m", ASKED)[0] == answer


ESTIMATE = (
    b'{"prompt_tokens":6,"completion_tokens":1,"total_tokens":7,"completion_tokens_details":{"reasoning_tokens":0},'
    b'"prompt_tokens_details":{"cached_tokens":0}}'
)

UNSAID = b'{"prompt_tokens":5,"completion_tokens":0,"total_tokens":5}'
SAID = ESTIMATE.replace(b"6", b"5").replace(b"7", b"6")
ZEROS = b'{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}'


@pytest.mark.parametrize(
    "answer, sent, usage, tokens",
    [
        (body(b'{"content":"A"}', model=b'"org/M"'), body(b'{"content":"A"}'), Usage(5, 0, 0, 2), 1),
        (
            body(b'{"reasoning":"abcde","content":"A"}'),
            body(b'{"content":"A","reasoning_content":"abcde"}'),
            Usage(5, 0, 0, 2),
            3,
        ),
        (body(b'{"content":"A"}', usage=b'{"prompt_tokens":-1}'), body(b'{"content":"A"}', usage=ESTIMATE), None, 1),
        (body(b'{"content":"A"}', usage=b"null"), body(b'{"content":"A"}', usage=ESTIMATE), None, 1),
        (
            body(b'{"reasoning":"abcde","reasoning_content":null,"content":"A"}'),
            body(b'{"reasoning_content":"abcde","content":"A"}'),
            Usage(5, 0, 0, 2),
            3,
        ),
        (
            body(CALL.replace(b'"a"', b"7") % b'"{}"'),
            body(CALL.replace(b'"a"', b'"7"') % b'"{}"'),
            Usage(5, 0, 0, 2),
            2,
        ),
        (body(b'{"content":"A"}', usage=UNSAID), body(b'{"content":"A"}', usage=SAID), Usage(5), 1),
        (body(b'{"content":"A"}', usage=ZEROS), body(b'{"content":"A"}', usage=ESTIMATE), None, 1),
        (body(CALL % b'"{\\"x\\":1}"'), body(CALL % b'"{\\"x\\":1}"'), Usage(5, 0, 0, 2), 3),
    ],
)
def test_only_what_must_be_is_changed(answer: bytes, sent: bytes, usage: Usage | None, tokens: int) -> None:
    """The model's name, the name of the reasoning, and odd or missing usage; the tokens said are estimated."""
    assert OpenAIUpstream().relay_answer(answer, "m", ASKED) == (sent, usage, tokens)


@pytest.mark.parametrize("told", [b'"id":"",', b'"id":null,', b""])
def test_a_call_without_an_id_gets_one(told: bytes) -> None:
    """Callers answer a call by its id."""
    answer = body(CALL.replace(b'"id":"a",', told) % b'"{}"', b'"tool_calls"')
    sent = msgspec.json.decode(OpenAIUpstream().relay_answer(answer, "m", ASKED)[0])
    (call,) = sent["choices"][0]["message"].pop("tool_calls")
    assert (call.pop("id")[:5], call) == ("call_", {"type": "function", "function": {"name": "f", "arguments": "{}"}})


def test_both_paths_meter_the_same() -> None:
    """Bypass and translation give the same usage of the same answer."""
    usage = b'{"prompt_tokens":9,"completion_tokens":4,"total_tokens":99,"prompt_tokens_details":{"cached_tokens":12}}'
    answer = body(b'{"content":"A"}', usage=usage)
    sent, relayed, _ = OpenAIUpstream().relay_answer(answer, "m", ASKED)
    read = OpenAIUpstream().read_answer(answer, ASKED)[-1]
    assert (read, relayed) == (UsageReport(Usage(0, 9, 0, 4), "upstream"), Usage(0, 9, 0, 4))
    assert msgspec.json.decode(sent)["usage"]["total_tokens"] == 13
