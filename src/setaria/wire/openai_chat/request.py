"""Request: reads the fields of a chat completion into a dialogue.

Fields that the platform does not know are ignored: clients send many.
Source: /docs of the reference platform, page "OpenAI API", June 2026; the OpenAI API reference, November 2026.
"""

from setaria.core.dialogue import Dialogue, ResponseFormat
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.capability import require_capability
from setaria.wire.fields import (
    Fields,
    optional_boolean,
    optional_integer,
    optional_object,
    present,
    read_integer,
    required_choice,
    required_object,
)
from setaria.wire.openai_chat.messages import read_messages
from setaria.wire.openai_chat.sampling import read_sampling
from setaria.wire.openai_chat.thinking import read_thinking
from setaria.wire.openai_chat.tools import read_tool_choice, read_tools
from setaria.wire.text_size import refuse_long_text

KNOWN_FIELDS = frozenset(
    {
        "asr_options",
        "audio",
        "background",
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "max_completion_tokens",
        "max_tokens",
        "messages",
        "model",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "previous_response_id",
        "reasoning_effort",
        "response_format",
        "seed",
        "stop",
        "stream",
        "stream_options",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_p",
    }
)
_TEXT = ResponseFormat()
_DOUBTFUL = (
    "n",
    "logprobs",
    "background",
    "previous_response_id",
    "audio",
    "asr_options",
    "stream_options",
)


def read_dialogue(fields: Fields, traits: Traits) -> Dialogue:
    """Read a whole request, its defaults filled in and its limits clamped to the model's.

    Raises: InvalidRequest, whose message and `param` name the field and what is allowed; TooLarge.
    """
    _refuse_unsupported(fields, traits)
    thinking = read_thinking(fields, traits)
    tools = read_tools(fields, traits)
    turns = read_messages(fields, traits)
    dialogue = Dialogue(
        messages=turns.messages,
        thinking=thinking,
        max_output_tokens=_read_output_limit(fields, traits),
        sampling=read_sampling(fields, traits, thinking=thinking),
        tools=tools,
        tool_choice=read_tool_choice(fields, tools),
        response_format=_read_response_format(fields, traits),
        has_variants=turns.has_variants,
    )
    refuse_long_text(fields, dialogue)
    return dialogue


def _refuse_unsupported(fields: Fields, traits: Traits) -> None:
    """Refuse what would change the answer and can't be done; a null, a false and an `n` of 1 ask for nothing."""
    if fields.keys().isdisjoint(_DOUBTFUL):
        return
    count = optional_integer(fields, "n", "n")
    if count is not None and count != 1:
        raise InvalidRequest("n must be 1: several answers to one request are not supported", param="n")
    for name in ("logprobs", "background"):
        if optional_boolean(fields, name, name):
            raise InvalidRequest(f"{name} is not supported; leave it out or send false", param=name)
    if present(fields, "previous_response_id") is not None:
        raise InvalidRequest(
            "previous_response_id is not supported; send the whole conversation in messages",
            param="previous_response_id",
        )
    for name in ("audio", "asr_options"):
        if optional_object(fields, name, name) is not None:
            require_capability(traits, "audio", name)
    # Tolerated: the chunk with the usage is always sent.
    optional_object(fields, "stream_options", "stream_options")


def _read_output_limit(fields: Fields, traits: Traits) -> int:
    """Read how many tokens reasoning and answer may have together; more than the model can do is no error."""
    limit = traits.max_output_tokens
    for name in ("max_completion_tokens", "max_tokens"):
        raw = present(fields, name)
        if raw is None:
            continue
        allowed = f"an integer of at least 1 (the model writes at most {limit})"
        asked = read_integer(raw, name, allowed)
        if asked < 1:
            raise InvalidRequest(f"{name} must be {allowed}", param=name)
        return min(asked, limit)
    return min(traits.default_output_tokens, limit)


def _read_response_format(fields: Fields, traits: Traits) -> ResponseFormat:
    form = optional_object(fields, "response_format", "response_format")
    if form is None:
        return _TEXT
    kind = required_choice(form, "type", "response_format.type", ("text", "json_object", "json_schema"))
    if kind == "text":
        return _TEXT
    require_capability(traits, "json", "response_format")
    if kind == "json_object":
        return ResponseFormat("json_object")
    described = required_object(form, "json_schema", "response_format.json_schema")
    required_object(described, "schema", "response_format.json_schema.schema")
    return ResponseFormat("json_schema", bytes(described["schema"]))
