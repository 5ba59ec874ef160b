"""Plain forms: what is read at once is what reading field by field gives."""

from contextlib import suppress

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from setaria.core.errors import InvalidRequest
from setaria.wire.openai_chat.messages import read_any_messages
from setaria.wire.openai_chat.plain import read_plain_messages, read_plain_tools
from setaria.wire.openai_chat.tools import read_any_tools
from setaria.wire.turns import MOST_MESSAGES
from tests.wire.openai_chat.asking import CAPABLE

UNHURRIED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

ODD: st.SearchStrategy[object] = st.none() | st.booleans() | st.integers(0, 3) | st.just([]) | st.just({}) | st.just("")
WORDS = st.sampled_from(["", "a", "Hm", "谷子", "two\nlines", '{"a":1}']) | ODD
PART = st.fixed_dictionaries(
    {}, optional={"type": st.sampled_from(["text", "text", "refusal", 5]), "text": WORDS, "refusal": WORDS}
)
CONTENT = WORDS | st.lists(PART, max_size=3)
FUNCTION = st.fixed_dictionaries({}, optional={"name": WORDS, "arguments": WORDS})
CALL = st.fixed_dictionaries({}, optional={"id": WORDS, "type": WORDS, "function": FUNCTION})
CALLS = ODD | st.lists(CALL, max_size=2)
MESSAGE = st.fixed_dictionaries(
    {"role": st.sampled_from(["system", "developer", "user", "assistant", "tool", "robot"])},
    optional={
        "content": CONTENT,
        "name": WORDS,
        "tool_call_id": WORDS,
        "tool_calls": CALLS,
        "reasoning_content": WORDS,
        "reasoning": WORDS | st.lists(WORDS, max_size=1),
        "x": ODD,
    },
)
SCHEMA: st.SearchStrategy[object] = (
    st.none() | st.just({}) | st.just({"type": "object"}) | st.just("\u00e9\u0001") | ODD
)
TOOL = st.fixed_dictionaries(
    {"type": st.sampled_from(["function", "function", "web_search"])},
    optional={
        "function": st.fixed_dictionaries(
            {"name": st.sampled_from(["a", "b", "c d", "", "\n", "x" * 129])},
            optional={"description": WORDS, "parameters": SCHEMA, "strict": ODD},
        )
    },
)


@UNHURRIED
@given(st.lists(MESSAGE, max_size=3))
def test_messages_are_the_same_either_way(messages: list[dict[str, object]]) -> None:
    """Whatever is read at once is read alike, field by field; what that refuses is never read at once."""
    raw = msgspec.Raw(msgspec.json.encode(messages))
    plain = read_plain_messages(raw)
    if plain is not None:
        turns = read_any_messages({"messages": raw}, CAPABLE)
        assert plain.messages == turns.messages
        assert turns.has_variants or not plain.has_variants


@UNHURRIED
@given(st.lists(TOOL, max_size=3))
def test_tools_are_the_same_either_way(tools: list[dict[str, object]]) -> None:
    """As with messages."""
    raw = msgspec.Raw(msgspec.json.encode(tools))
    plain = read_plain_tools(raw)
    if plain is not None:
        assert plain == read_any_tools(raw)


CONVERSATION = msgspec.Raw(
    b'[{"role":"user","content":"Hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"c","type":"function",'
    b'"function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c","content":[{"type":"text",'
    b'"text":"21"}]},{"role":"assistant","content":"It is 21.","reasoning_content":"Hm"},'
    b'{"role":"assistant","content":"","reasoning":"So","tool_calls":[{"id":"d","function":{"name":"f"}}]},'
    b'{"role":"developer","content":"Be brief","name":"ann"}]'
)


def test_the_usual_forms_are_read_at_once() -> None:
    """A conversation with tools, as all clients send it, is never read field by field."""
    assert read_plain_messages(CONVERSATION) == read_any_messages({"messages": CONVERSATION}, CAPABLE)


@pytest.mark.parametrize("schema, is_plain", [(b"{}", True), (b"null", True), (b"5", False), (b'{"\\ud800":1}', False)])
def test_a_schema_is_looked_at(schema: bytes, is_plain: bool) -> None:
    """One that is no object, or may hold half a character, is left to who says what is wrong with it."""
    tools = msgspec.Raw(b'[{"type":"function","function":{"name":"f","parameters":' + schema + b"}}]")
    assert (read_plain_tools(tools) is not None) == is_plain
    with suppress(InvalidRequest):
        assert read_plain_tools(tools) in (None, read_any_tools(tools))


def test_too_many_messages_are_not_read_at_once() -> None:
    """Who reads them field by field says how many are allowed."""
    many = b"[" + b",".join([b'{"role":"user"}'] * (MOST_MESSAGES + 1)) + b"]"
    assert read_plain_messages(msgspec.Raw(many)) is None
