"""Plain requests: what is read at once is what reading field by field gives."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError
from setaria.core.traits import Traits
from setaria.wire.fields import Fields, read_body
from setaria.wire.openai_chat.codec import OpenAIChat
from setaria.wire.openai_chat.plain_request import PlainEnvelope, dialogue_from_plain, read_plain_request
from setaria.wire.openai_chat.request import KNOWN_FIELDS, read_dialogue
from setaria.wire.text_size import TEXT_LIMIT_BYTES
from tests.wire.openai_chat.asking import CAPABLE
from tests.wire.openai_chat.test_plain import ODD, TOOL, UNHURRIED

CODEC = OpenAIChat()
TRAITS = (
    CAPABLE,
    msgspec.structs.replace(CAPABLE, thinking_default=False),
    msgspec.structs.replace(CAPABLE, forces_sampling=False),
    msgspec.structs.replace(CAPABLE, capabilities=frozenset()),
)
NUMBER = st.integers(-2, 3) | st.floats(-0.5, 2.0) | st.integers() | ODD
PLAIN = b'{"model":"m","messages":[{"role":"user","content":"Hm"}]'
FIELDS = st.fixed_dictionaries(
    {
        "model": st.just("m"),
        "messages": st.just([{"role": "user", "content": "Hm"}]) | ODD,
    },
    optional={
        "stream": st.booleans() | ODD,
        "max_tokens": NUMBER,
        "max_completion_tokens": NUMBER,
        "temperature": NUMBER,
        "top_p": NUMBER,
        "seed": NUMBER,
        "tools": st.lists(TOOL, max_size=2) | ODD,
        "tool_choice": st.sampled_from(["auto", "none", "x"]) | ODD,
        "stream_options": st.just({"include_usage": False}) | ODD,
        "stop": st.just("a") | ODD,
        "x": ODD,
    },
)


def outcome_of(read: "tuple[Fields, Traits]") -> object:
    """Give the dialogue, or the error in full."""
    try:
        return read_dialogue(*read)
    except SetariaError as error:
        return type(error), error.message, error.param


@UNHURRIED
@given(FIELDS, st.sampled_from(TRAITS))
def test_requests_are_the_same_either_way(fields: dict[str, object], traits: Traits) -> None:
    """Whatever is read at once is read alike, field by field; what that refuses is never read at once."""
    body = msgspec.json.encode(fields)
    plain = read_plain_request(body)
    dialogue = None if plain is None else dialogue_from_plain(plain, traits)
    if dialogue is not None:
        assert dialogue == outcome_of((read_body(body), traits))


@pytest.mark.parametrize("name", sorted(KNOWN_FIELDS))
def test_every_known_field_is_read_or_makes_the_request_another(name: str) -> None:
    """A field that the platform knows is never passed over: with a value that can't be, the request is not plain."""
    assert read_plain_request(PLAIN + b',"%b":[[0]]}' % name.encode()) is None


def test_the_usual_request_is_read_at_once() -> None:
    """A short request, and one with tools and a stream, are plain."""
    more = b',"stream":true,"stream_options":{"include_usage":true},"max_tokens":5,"temperature":1,"x":1'
    tools = b',"tools":[{"type":"function","function":{"name":"a"}}],"tool_choice":"auto"}'
    for body in (PLAIN + b"}", PLAIN + more + tools):
        envelope = CODEC.read_envelope(body)
        assert isinstance(envelope, PlainEnvelope)
        assert isinstance(dialogue_from_plain(envelope.plain, CAPABLE), Dialogue)


def test_the_last_of_a_field_given_twice_counts() -> None:
    """A field given twice is read as the one given last, like everywhere."""
    body = PLAIN + b',"max_tokens":5,"model":"n","max_tokens":7}'
    envelope = CODEC.read_envelope(body)
    assert (envelope.model, bytes(envelope.fields["model"])) == ("n", b'"n"')
    assert CODEC.read_dialogue(envelope, CAPABLE).max_output_tokens == 7


def test_a_huge_request_is_read_field_by_field() -> None:
    """The text of a request that might be too long is counted, which is not done here."""
    body = PLAIN[:-4] + b" " * TEXT_LIMIT_BYTES + PLAIN[-4:] + b"}"
    assert msgspec.json.decode(body)
    assert read_plain_request(body) is None
