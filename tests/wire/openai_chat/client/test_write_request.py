"""Request: a dialogue of another protocol, written so that any server takes it."""

import msgspec
import pytest

from setaria.core.dialogue import (
    Dialogue,
    Image,
    Message,
    Opaque,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from setaria.wire.openai_chat.client import OpenAIUpstream
from setaria.wire.upstream_codec import Manner, ThinkingStyle
from tests.wire.openai_chat.asking import CAPABLE, PLAIN, read_json
from tests.wire.openai_chat.client.transcripts import ASKED

MANNER = Manner(model="org/M", thinking_style="thinking_type")
LOOK = Tool("look", "Looks.", b'{"type":"object","properties":{"at":{"type":"integer"}}}', strict=True)
REST = Tool("rest", parameters=b'{"type":"object","properties":{}}')
FULL = Dialogue(
    messages=(
        Message("system", (Text("Be brief."),)),
        Message("user", (Text("What is this?"), Image(url="https://host/a.png")), name="ann"),
        Message(
            "assistant",
            (
                Reasoning("Look first."),
                Text("I look."),
                ToolCall("call_1", "look", '{"at":1}'),
                ToolCall("call_2", "rest", "{}"),
            ),
        ),
        Message("tool", (ToolResult("call_1", (Text("A cat."),)),), name="look"),
        Message("tool", (ToolResult("call_2", ()),)),
        Message("user", (Text("And now?"),)),
    ),
    thinking=True,
    max_output_tokens=777,
    sampling=Sampling(1.0, 0.95, 0.5, -0.5, 42, ("END", "STOP"), ((50256, -100.0),)),
    tools=(LOOK, REST),
    tool_choice=ToolChoice("named", "look", parallel=False),
    response_format=ResponseFormat("json_schema", b'{"type":"object"}'),
)


def write(dialogue: Dialogue, style: ThinkingStyle = "none", *, stream: bool = False) -> dict[str, object]:
    """Write a request and read its fields."""
    body = OpenAIUpstream().write_request(dialogue, Manner("org/M", style), stream=stream)
    fields: dict[str, object] = msgspec.json.decode(body)
    return fields


def messages(*turns: Message) -> object:
    """Write these turns."""
    return write(msgspec.structs.replace(ASKED, messages=turns))["messages"]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"tool_choice": ToolChoice("none")},
        {"tool_choice": ToolChoice("required")},
        {"tool_choice": ToolChoice(), "response_format": ResponseFormat("json_object")},
        {"tools": (), "tool_choice": ToolChoice(), "response_format": ResponseFormat()},
        {"thinking": False, "sampling": Sampling(0.3, 0.5)},
    ],
)
def test_our_own_server_reads_the_same_dialogue(changes: dict[str, object]) -> None:
    """What the protocol can say survives the way out and back."""
    dialogue = msgspec.structs.replace(FULL, **changes, has_variants=True)
    assert read_json(OpenAIUpstream().write_request(dialogue, MANNER, stream=True), CAPABLE) == dialogue


def test_a_plain_request_is_as_small_as_it_can_be() -> None:
    """What was not asked is not written."""
    assert write(ASKED) == {
        "model": "org/M",
        "messages": [{"role": "user", "content": "Hello"}],
        "max_tokens": 1000,
        "temperature": 1.0,
        "top_p": 0.95,
        "stop": ["END"],
    }


def test_a_stream_is_asked_for_with_its_usage() -> None:
    """The usage chunk is needed, whatever the caller asked."""
    fields = write(ASKED, stream=True)
    assert (fields["stream"], fields["stream_options"]) == (True, {"include_usage": True})


@pytest.mark.parametrize(
    "style, on, off",
    [
        ("thinking_type", {"thinking": {"type": "enabled"}}, {"thinking": {"type": "disabled"}}),
        (
            "chat_template_kwargs",
            {"chat_template_kwargs": {"enable_thinking": True}},
            {"chat_template_kwargs": {"enable_thinking": False}},
        ),
        ("enable_thinking", {"enable_thinking": True}, {"enable_thinking": False}),
        ("reasoning_effort", {"reasoning_effort": "medium"}, {"reasoning_effort": "none"}),
        ("anthropic", {}, {}),
        ("none", {}, {}),
    ],
)
def test_thinking_is_switched_in_the_deployments_own_way(
    style: ThinkingStyle, on: dict[str, object], off: dict[str, object]
) -> None:
    """Each style writes its one field, or none."""
    plain = write(ASKED)
    thinking = write(ASKED, style)
    silent = write(msgspec.structs.replace(ASKED, thinking=False), style)
    assert (thinking, silent) == (plain | on, plain | off)


@pytest.mark.parametrize("style", ["thinking_type", "chat_template_kwargs", "none"])
def test_a_begun_answer_is_gone_on_with_where_the_server_can(style: ThinkingStyle) -> None:
    """Servers with chat templates are told to go on, without thinking; to others the turn is one like any other."""
    begun = msgspec.structs.replace(ASKED, messages=(*ASKED.messages, Message("assistant", (Text("Gra"),))))
    flags = {"continue_final_message": True, "add_generation_prompt": False}
    told = flags | {"chat_template_kwargs": {"enable_thinking": False}}
    written = write(msgspec.structs.replace(begun, continues=True), style)
    assert written == write(begun, style) | (told if style == "chat_template_kwargs" else {})
    assert msgspec.convert(written["messages"], list[object])[-1] == {"role": "assistant", "content": "Gra"}


def test_pieces_of_text_become_one() -> None:
    """Strict servers take no parts where there is only text; opaque blocks without text are dropped."""
    turn = Message("user", (Text("a"), Opaque("document", b"{}"), Text("b")))
    answer = Message("assistant", (Text("c"), Text("d")))
    assert messages(turn, answer) == [{"role": "user", "content": "a\nb"}, {"role": "assistant", "content": "c\nd"}]


def test_the_text_of_opaque_blocks_goes_out() -> None:
    """What a document says is read by servers that know no documents, also beside pictures and in tools' results."""
    document = Opaque("document", b"{}", "D")
    picture = Image(url="https://host/a.png")
    shown = {"type": "image_url", "image_url": {"url": "https://host/a.png"}}
    assert messages(
        Message("user", (Text("a"), document)),
        Message("user", (picture, document)),
        Message("tool", (ToolResult("c", (Text("b"), document, Opaque("tool_reference", b"{}"))),)),
    ) == [
        {"role": "user", "content": "a\nD"},
        {"role": "user", "content": [shown, {"type": "text", "text": "D"}]},
        {"role": "tool", "tool_call_id": "c", "content": "b\nD"},
    ]


def test_pictures_are_parts() -> None:
    """A picture goes out as a URL, base64 as a data URL; what is neither text nor picture is dropped."""
    turn = Message("user", (Opaque("x", b"{}"), Image(data="QUJD", media_type="image/png"), Text("b")))
    assert messages(turn) == [
        {
            "role": "user",
            "content": [
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,QUJD"}},
                {"type": "text", "text": "b"},
            ],
        }
    ]


def test_history_keeps_its_reasoning_under_both_names() -> None:
    """One name is what vLLM reads, the other what all others do."""
    turn = Message("assistant", (Reasoning("R1", "sig"), Reasoning("R2"), ToolCall("a", "f", "{}")))
    assert messages(turn) == [
        {
            "role": "assistant",
            "content": "",
            "reasoning_content": "R1R2",
            "reasoning": "R1R2",
            "tool_calls": [{"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        }
    ]


def test_tool_results_keep_together_and_their_pictures_follow() -> None:
    """Results must follow their calls at once; a failed one says so."""
    picture = Image(url="https://host/a.png")
    written = messages(
        Message("tool", (ToolResult("a", (Text("seen"), picture)), ToolResult("b", (picture,)))),
        Message("tool", (ToolResult("c", (Text("no disk"),), is_error=True),)),
        Message("user", (Text("Go on."),)),
    )
    see = "(The picture that the tool gave is in the next message.)"
    part = {"type": "image_url", "image_url": {"url": "https://host/a.png"}}
    assert written == [
        {"role": "tool", "tool_call_id": "a", "content": f"seen\n{see}"},
        {"role": "tool", "tool_call_id": "b", "content": see},
        {"role": "tool", "tool_call_id": "c", "content": "Error: no disk"},
        {"role": "user", "content": [{"type": "text", "text": "Pictures that the tools gave:"}, part, part]},
        {"role": "user", "content": "Go on."},
    ]


def test_pictures_of_the_last_result_come_last() -> None:
    """A conversation that ends with a result ends with its pictures; what is no result is dropped."""
    written = messages(Message("tool", (Text("?"), ToolResult("a", (Image(url="https://h/a"),)))))
    assert [turn["role"] for turn in msgspec.convert(written, list[dict[str, object]])] == ["tool", "user"]


def test_a_tool_without_parameters_gets_an_empty_schema() -> None:
    """Some servers refuse a function that has none."""
    fields = write(msgspec.structs.replace(ASKED, tools=(Tool("rest"),)))
    function = {"name": "rest", "parameters": {"type": "object", "properties": {}}}
    assert fields["tools"] == [{"type": "function", "function": function}]


def test_a_model_that_cannot_think_is_asked_like_any_other() -> None:
    """The style `none` leaves nothing for a server to stumble over."""
    assert read_json(OpenAIUpstream().write_request(ASKED, Manner("m", "none"), stream=False), PLAIN).thinking is False


@pytest.mark.parametrize("key, headers", [("sk-1", ((b"authorization", b"Bearer sk-1"),)), ("", ())])
def test_the_key_is_sent_where_there_is_one(key: str, headers: tuple[tuple[bytes, bytes], ...]) -> None:
    """A local server without a key gets no header for it."""
    codec = OpenAIUpstream()
    assert (codec.headers(key), codec.name, codec.path) == (headers, "openai_chat", "/chat/completions")
