"""Text size: 16 MB of text and not a byte more, pictures aside."""

import msgspec
import pytest

from setaria.core.dialogue import (
    Block,
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
    ToolResult,
)
from setaria.core.errors import TooLarge
from setaria.wire.text_size import TEXT_LIMIT_BYTES, refuse_long_text

LONG = "x" * (TEXT_LIMIT_BYTES + 1)
LONG_FIELDS = {"messages": msgspec.Raw(b" " * (TEXT_LIMIT_BYTES + 1))}


def dialogue(*blocks: Block, tools: tuple[Tool, ...] = (), schema: bytes = b"") -> Dialogue:
    """Make a dialogue of one message."""
    return Dialogue(
        messages=(Message("user", blocks),),
        thinking=False,
        max_output_tokens=1,
        sampling=Sampling(1.0, 1.0),
        tools=tools,
        response_format=ResponseFormat("json_schema", schema),
    )


@pytest.mark.parametrize(
    "long",
    [
        dialogue(Text(LONG)),
        dialogue(Text("谷" * (TEXT_LIMIT_BYTES // 3 + 1))),
        dialogue(Reasoning(LONG)),
        dialogue(ToolCall("c", "f", LONG)),
        dialogue(ToolResult("c", (Text(LONG),))),
        dialogue(Opaque("document", b"", LONG)),
        dialogue(tools=(Tool("f", LONG),)),
        dialogue(tools=(Tool("f", parameters=LONG.encode()),)),
        dialogue(schema=LONG.encode()),
        dialogue(Text(LONG[: TEXT_LIMIT_BYTES // 2 + 1]), Text(LONG[: TEXT_LIMIT_BYTES // 2 + 1])),
    ],
    ids=[
        "text",
        "script",
        "reasoning",
        "arguments",
        "result",
        "document",
        "description",
        "parameters",
        "schema",
        "sum",
    ],
)
def test_long_text_is_refused(long: Dialogue) -> None:
    """One byte above the limit is too many, wherever the text stands."""
    with pytest.raises(TooLarge) as refusal:
        refuse_long_text(LONG_FIELDS, long)
    assert f"at most {TEXT_LIMIT_BYTES} are allowed" in refusal.value.message
    assert refusal.value.param == "messages"


@pytest.mark.parametrize(
    "short",
    [
        dialogue(Text(LONG[1:])),
        dialogue(Image(data=LONG), Opaque("input_audio", LONG.encode()), ToolResult("c", (Image(url=LONG),))),
    ],
    ids=["at the limit", "pictures"],
)
def test_text_within_the_limit_goes_on(short: Dialogue) -> None:
    """The limit itself is allowed, and base64 is not text."""
    refuse_long_text(LONG_FIELDS, short)


def test_a_short_request_is_not_looked_through() -> None:
    """A request that is short as a whole can't have long text."""
    refuse_long_text({"messages": msgspec.Raw(b"[]")}, dialogue(Text(LONG)))
