"""Request: every field has its range, its default and its meaning."""

import msgspec
import pytest

from setaria.core.dialogue import (
    Dialogue,
    Message,
    Reasoning,
    ResponseFormat,
    Sampling,
    Text,
    Tool,
    ToolChoice,
)
from setaria.core.errors import InvalidRequest, TooLarge
from setaria.core.traits import Traits
from setaria.wire.openai_chat import OpenAIChat
from setaria.wire.text_size import TEXT_LIMIT_BYTES
from tests.wire.openai_chat.asking import CAPABLE, HELLO, PLAIN, read, read_json, tool


def test_the_shortest_request_gets_all_defaults() -> None:
    """A model and a message are enough."""
    assert read() == Dialogue(
        messages=(Message("user", (Text("Hello"),)),),
        thinking=True,
        max_output_tokens=32_768,
        sampling=Sampling(temperature=1.0, top_p=0.95),
    )


def test_nulls_are_as_good_as_nothing() -> None:
    """Every optional field may be null."""
    names = (
        "max_completion_tokens max_tokens temperature top_p frequency_penalty presence_penalty stop stream "
        "stream_options thinking reasoning_effort tools tool_choice parallel_tool_calls response_format audio "
        "asr_options n logprobs background previous_response_id seed"
    )
    assert read(**dict.fromkeys(names.split())) == read()


def test_unknown_fields_are_ignored() -> None:
    """Fields that the platform does not know change nothing, whatever they hold."""
    others = {"user": 5, "metadata": [], "store": "x", "functions": {}, "function_call": 1, "": None}
    assert read(**others) == read()


def test_the_faq_example() -> None:
    """The example of the platform's FAQ is read as it stands."""
    body = b"""{
    "messages": [
        {
            "role": "assistant",
            "content": "Hello! I am MiMo.",
            "reasoning_content": "Okay, the user just asked me to introduce myself. That is a pretty straightforward request, but I should think about why they are asking this."
        },
        {
            "role": "user",
            "content": "What is the weather like in Hebei?"
        }
    ],
    "model": "mimo-v2.5-pro",
    "max_completion_tokens": 1024,
    "temperature": 1.0,
    "stream": false,
    "tools": [
        {
            "type": "function",
            "function": {
                "name": "get_current_weather",
                "description": "Get the current weather in a given location",
                "parameters": {
                    "type": "object",
                    "properties": {
                        "location": {
                            "type": "string",
                            "description": "The city and state, e.g. San Francisco, CA"
                        },
                        "unit": {
                            "type": "string",
                            "enum": [
                                "celsius",
                                "fahrenheit"
                            ]
                        }
                    },
                    "required": [
                        "location"
                    ]
                }
            }
        }
    ],
    "tool_choice": "auto"
}"""  # noqa: E501 - as it stands there
    envelope = OpenAIChat().read_envelope(body)
    assert (envelope.model, envelope.stream) == ("mimo-v2.5-pro", False)
    dialogue = read_json(body)
    thought = dialogue.messages[0].blocks[0]
    assert isinstance(thought, Reasoning)
    assert thought.text.startswith("Okay, the user just asked me to introduce myself.")
    assert dialogue.messages[0].blocks[1:] == (Text("Hello! I am MiMo."),)
    assert dialogue.messages[1] == Message("user", (Text("What is the weather like in Hebei?"),))
    assert (dialogue.thinking, dialogue.max_output_tokens) == (True, 1024)
    assert [(tool.name, tool.description) for tool in dialogue.tools] == [
        ("get_current_weather", "Get the current weather in a given location")
    ]
    assert msgspec.json.decode(dialogue.tools[0].parameters)["required"] == ["location"]
    assert dialogue.tool_choice == ToolChoice("auto")


@pytest.mark.parametrize(
    "body, expected",
    [
        ({"model": "m", "stream": True}, ("m", True)),
        ({"model": "m", "stream": False}, ("m", False)),
        ({"model": "m", "stream": None}, ("m", False)),
        ({"model": "m"}, ("m", False)),
    ],
)
def test_the_envelope(body: dict[str, object], expected: tuple[str, bool]) -> None:
    """Model and stream are known before anything else is read."""
    envelope = OpenAIChat().read_envelope(msgspec.json.encode(body))
    assert (envelope.model, envelope.stream) == expected


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({}, 32_768),
        ({"max_tokens": 10}, 10),
        ({"max_completion_tokens": 10}, 10),
        ({"max_tokens": 10, "max_completion_tokens": 20}, 20),
        ({"max_tokens": 10, "max_completion_tokens": None}, 10),
        ({"max_tokens": 131_072}, 131_072),
        ({"max_tokens": 131_073}, 131_072),
        ({"max_tokens": 10**300}, 131_072),
    ],
)
def test_the_output_limit(fields: dict[str, object], expected: int) -> None:
    """`max_completion_tokens` wins over its old name, and more than the model can do is clamped."""
    body = b'{"model": "m", "messages": [{"role": "user"}]'
    for name, value in fields.items():
        body += f', "{name}": {"null" if value is None else value}'.encode()
    assert read_json(body + b"}").max_output_tokens == expected


def test_the_default_output_is_clamped_too() -> None:
    """A default above the model's own limit is not used."""
    traits = msgspec.structs.replace(PLAIN, default_output_tokens=9999)
    assert read(traits).max_output_tokens == 2048


SAMPLING_OFF = {"thinking": {"type": "disabled"}}


@pytest.mark.parametrize(
    "fields, expected",
    [
        ({"temperature": 0.2, "top_p": 0.5}, Sampling(1.0, 0.95)),
        ({"temperature": 7, "top_p": "high"}, Sampling(1.0, 0.95)),
        ({"temperature": 0.2, "top_p": 0.5} | SAMPLING_OFF, Sampling(0.2, 0.5)),
        ({"temperature": 0, "top_p": 0.01} | SAMPLING_OFF, Sampling(0.0, 0.01)),
        ({"temperature": 1.5, "top_p": 1} | SAMPLING_OFF, Sampling(1.5, 1.0)),
        ({"frequency_penalty": -2, "presence_penalty": 2}, Sampling(1.0, 0.95, -2.0, 2.0)),
        ({"seed": 0}, Sampling(1.0, 0.95, seed=0)),
        ({"seed": -(2**63)}, Sampling(1.0, 0.95, seed=-(2**63))),
        ({"seed": 2**63 - 1}, Sampling(1.0, 0.95, seed=2**63 - 1)),
        ({"stop": "END"}, Sampling(1.0, 0.95, stop=("END",))),
        ({"stop": ["a", "b", "c", "d"]}, Sampling(1.0, 0.95, stop=("a", "b", "c", "d"))),
        ({"stop": []}, Sampling(1.0, 0.95)),
        ({"stop": ["", "a"]}, Sampling(1.0, 0.95, stop=("a",))),
        ({"stop": ""}, Sampling(1.0, 0.95)),
    ],
)
def test_sampling(fields: dict[str, object], expected: Sampling) -> None:
    """Values in range count, both ends included; while thinking forces the sampling they are not looked at."""
    assert read(**fields).sampling == expected


def test_thinking_leaves_the_sampling_where_the_model_does_not_force_it() -> None:
    """A thinking model that takes any sampling is asked with the caller's."""
    traits = msgspec.structs.replace(CAPABLE, forces_sampling=False)
    assert read(traits, temperature=0.2).sampling == Sampling(0.2, 0.95)


def test_the_recommended_sampling_is_the_models_own() -> None:
    """A model that recommends a temperature is asked with it when the caller gives none."""
    assert read(PLAIN).sampling == Sampling(0.3, 0.95)


QUIET = msgspec.structs.replace(CAPABLE, thinking_default=False)


@pytest.mark.parametrize(
    "traits, fields, expected",
    [
        (CAPABLE, {}, True),
        (QUIET, {}, False),
        (PLAIN, {}, False),
        (CAPABLE, {"thinking": None}, True),
        (CAPABLE, {"thinking": {"type": "disabled"}}, False),
        (QUIET, {"thinking": {"type": "enabled"}}, True),
        (QUIET, {"thinking": {"type": "enabled", "budget_tokens": 5}}, True),
        (QUIET, {"thinking": {"type": "adaptive"}}, True),
        (PLAIN, {"thinking": {"type": "enabled"}}, False),
        (CAPABLE, {"reasoning_effort": "none"}, False),
        (CAPABLE, {"reasoning_effort": "minimal"}, True),
        (CAPABLE, {"reasoning_effort": "utmost"}, True),
        (QUIET, {"reasoning_effort": "high"}, False),
        (CAPABLE, {"reasoning_effort": "none", "thinking": {"type": "enabled"}}, True),
        (CAPABLE, {"reasoning_effort": "high", "thinking": {"type": "disabled"}}, False),
        (CAPABLE, {"reasoning_effort": "none", "thinking": None}, False),
    ],
)
def test_thinking(traits: Traits, fields: dict[str, object], expected: bool) -> None:
    """`thinking` decides, then an effort of none, then the model's default; a model that can't think never does."""
    assert read(traits, **fields).thinking is expected


SCHEMA = {"type": "object", "properties": {"a": {"type": "string"}}}


@pytest.mark.parametrize(
    "form, expected",
    [
        ({"type": "text"}, ResponseFormat()),
        ({"type": "json_object"}, ResponseFormat("json_object")),
        (
            {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": SCHEMA}},
            ResponseFormat("json_schema", msgspec.json.encode(SCHEMA)),
        ),
    ],
)
def test_response_format(form: dict[str, object], expected: ResponseFormat) -> None:
    """All three forms are known, a schema is kept as it came."""
    assert read(response_format=form).response_format == expected


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 1, "logprobs": False, "background": False},
        {"stream": True, "stream_options": {"include_usage": True}},
        {"stream_options": {"include_usage": "yes"}},
        {"audio": {"voice": "Mia"}, "asr_options": {"language": "auto"}},
        {"response_format": {"type": "text"}},
    ],
)
def test_what_asks_for_nothing_is_tolerated(fields: dict[str, object]) -> None:
    """Values that ask for what happens anyway are no error."""
    assert read(**fields) == read()


def test_text_format_needs_no_capability() -> None:
    """A model without JSON mode can be asked for text."""
    assert read(PLAIN, response_format={"type": "text"}) == read(PLAIN)


@pytest.mark.parametrize(
    "choice, expected",
    [
        (None, ToolChoice("auto")),
        ("auto", ToolChoice("auto")),
        ("none", ToolChoice("none")),
        ("required", ToolChoice("required")),
        ("sometimes", ToolChoice("auto")),
        ("function", ToolChoice("auto")),
        (5, ToolChoice("auto")),
        ([], ToolChoice("auto")),
        ({}, ToolChoice("auto")),
        ({"type": "allowed_tools"}, ToolChoice("auto")),
        ({"type": "function", "function": {"name": "b"}}, ToolChoice("named", "b")),
    ],
)
def test_tool_choice(choice: object, expected: ToolChoice) -> None:
    """The four forms are told apart; any other behaves as "auto"."""
    assert read(tools=[tool("a"), tool("b")], tool_choice=choice).tool_choice == expected


@pytest.mark.parametrize("parallel, expected", [(None, True), (True, True), (False, False)])
@pytest.mark.parametrize("choice", ["auto", "none", "required", {"type": "function", "function": {"name": "a"}}])
def test_parallel_calls(choice: object, parallel: bool | None, expected: bool) -> None:
    """Several calls at once are allowed unless the caller says no."""
    read_choice = read(tools=[tool("a")], tool_choice=choice, parallel_tool_calls=parallel).tool_choice
    assert read_choice.parallel is expected


@pytest.mark.parametrize(
    "entry, expected",
    [
        (tool("a"), Tool("a")),
        (tool("a", description=None, parameters=None, strict=None), Tool("a")),
        (tool("a", description="Does a", strict=True), Tool("a", "Does a", strict=True)),
        (tool("a", parameters={}), Tool("a", parameters=b"{}")),
        (tool("a", parameters=SCHEMA), Tool("a", parameters=msgspec.json.encode(SCHEMA))),
        (tool("weather/now v2.é"), Tool("weather/now v2.é")),
        (tool("n" * 128), Tool("n" * 128)),
        (tool("a", cache_control={"type": "ephemeral"}) | {"defer_loading": True}, Tool("a")),
    ],
)
def test_tools(entry: dict[str, object], expected: Tool) -> None:
    """All of a function but its name may be missing, and keys that are not known are ignored."""
    assert read(tools=[entry]).tools == (expected,)


def test_no_tools_need_no_capability() -> None:
    """An empty list of tools is no list."""
    assert read(PLAIN, tools=[], tool_choice="auto") == read(PLAIN)


def test_long_text_is_too_large() -> None:
    """More than 16 MB of text are refused as such."""
    with pytest.raises(TooLarge):
        read(messages=[HELLO, {"role": "user", "content": "x" * TEXT_LIMIT_BYTES}])


def test_a_long_picture_is_not() -> None:
    """Base64 does not count as text."""
    url = "data:image/png;base64," + "A" * TEXT_LIMIT_BYTES
    part = {"type": "image_url", "image_url": {"url": url}}
    assert len(read(messages=[{"role": "user", "content": [part]}]).messages) == 1


def test_a_missing_message_list_comes_after_the_model() -> None:
    """The envelope needs only the model."""
    with pytest.raises(InvalidRequest) as refusal:
        read_json(b'{"model": "m"}')
    assert refusal.value.param == "messages"
