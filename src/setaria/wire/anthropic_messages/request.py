"""Request: reads the whole of a request into a dialogue."""

from collections.abc import Mapping

from setaria.core.dialogue import Dialogue, ResponseFormat, Sampling
from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.anthropic_messages.messages import is_begun, read_messages
from setaria.wire.anthropic_messages.tools import read_left_out, read_tool_choice, read_tools
from setaria.wire.capability import require_capability
from setaria.wire.fields import (
    Fields,
    optional_integer,
    optional_list,
    optional_number,
    optional_object,
    read_string,
    required_choice,
    required_object,
)
from setaria.wire.text_size import refuse_long_text

# The protocol's maker names no limit; the OpenAI protocol's is 4. Each one costs a comparison a character of output.
_MAX_STOP_SEQUENCES = 16

_MAX_TEMPERATURE = 1.5
_MIN_TOP_P = 0.01

_THINKING: Mapping[str, bool] = {"enabled": True, "adaptive": True, "between_tools": True, "disabled": False}

KNOWN_FIELDS = frozenset(
    {
        "max_tokens",
        "messages",
        "model",
        "output_config",
        "output_format",
        "stop_sequences",
        "stream",
        "system",
        "temperature",
        "thinking",
        "tool_choice",
        "tools",
        "top_k",
        "top_p",
    }
)


def read_dialogue(fields: Fields, traits: Traits) -> Dialogue:
    """Read a request for a model with these traits, its defaults filled in and limits clamped.

    Fields that are not known here are not looked at.

    Raises: InvalidRequest, whose message and `param` name the field and what is allowed; TooLarge.
    """
    thinking = _read_thinking(fields, traits)
    tools = read_tools(fields, traits)
    messages = read_messages(fields, traits)
    dialogue = Dialogue(
        messages=messages,
        thinking=thinking,
        max_output_tokens=_read_max_tokens(fields, traits),
        sampling=_read_sampling(fields, traits, thinking=thinking),
        tools=tools,
        tool_choice=read_tool_choice(fields, tools),
        response_format=_read_response_format(fields, traits),
        left_out=read_left_out(fields),
        continues=is_begun(messages),
    )
    refuse_long_text(fields, dialogue)
    return dialogue


def read_counted_dialogue(fields: Fields, traits: Traits) -> Dialogue:
    """Read what of a request takes input tokens, with the model's defaults in place of all else.

    Raises: InvalidRequest, whose message and `param` name the field and what is allowed; TooLarge.
    """
    messages = read_messages(fields, traits)
    dialogue = Dialogue(
        messages=messages,
        thinking=_read_thinking(fields, traits),
        max_output_tokens=traits.default_output_tokens,
        sampling=Sampling(traits.recommended.temperature, traits.recommended.top_p),
        tools=read_tools(fields, traits),
        left_out=read_left_out(fields),
        continues=is_begun(messages),
    )
    refuse_long_text(fields, dialogue)
    return dialogue


def _read_thinking(fields: Fields, traits: Traits) -> bool:
    """Tell whether the model is to think; a budget for it and how to show it are not looked at."""
    asked = optional_object(fields, "thinking", "thinking")
    wanted = traits.thinking_default
    if asked is not None:
        wanted = _THINKING[required_choice(asked, "type", "thinking.type", tuple(_THINKING))]
    return wanted and "thinking" in traits.capabilities


def _read_max_tokens(fields: Fields, traits: Traits) -> int:
    """Read how many tokens thinking and answer may have together; more than the model can do is no error."""
    limit = traits.max_output_tokens
    allowed = f"an integer of at least 1 (the model writes at most {limit})"
    asked = optional_integer(fields, "max_tokens", "max_tokens", allowed)
    if asked is not None and asked < 1:
        raise InvalidRequest(f"max_tokens must be {allowed}", param="max_tokens")
    return min(traits.default_output_tokens if asked is None else asked, limit)


def _read_sampling(fields: Fields, traits: Traits, *, thinking: bool) -> Sampling:
    """Read temperature and top_p, unless thinking forces them: then they are not looked at."""
    temperature = top_p = None
    if not (thinking and traits.forces_sampling):
        temperature = optional_number(fields, "temperature", "temperature", 0, _MAX_TEMPERATURE)
        top_p = optional_number(fields, "top_p", "top_p", _MIN_TOP_P, 1)
    return Sampling(
        temperature=traits.recommended.temperature if temperature is None else temperature,
        top_p=traits.recommended.top_p if top_p is None else top_p,
        stop=_read_stop(fields),
    )


def _read_stop(fields: Fields) -> tuple[str, ...]:
    items = optional_list(fields, "stop_sequences", "stop_sequences")
    if len(items) > _MAX_STOP_SEQUENCES:
        raise InvalidRequest(
            f"stop_sequences has {len(items)} entries; at most {_MAX_STOP_SEQUENCES} are allowed",
            param="stop_sequences",
        )
    sequences = tuple(read_string(item, f"stop_sequences.{at}") for at, item in enumerate(items))
    if "" in sequences:
        raise InvalidRequest("stop_sequences must not hold an empty string", param="stop_sequences")
    return sequences


def _read_response_format(fields: Fields, traits: Traits) -> ResponseFormat:
    """Read `output_config.format`, or `output_format` as earlier clients call it."""
    path = "output_config.format"
    config = optional_object(fields, "output_config", "output_config")
    asked = None if config is None else optional_object(config, "format", path)
    if asked is None:
        path = "output_format"
        asked = optional_object(fields, path, path)
    if asked is None:
        return ResponseFormat()
    required_choice(asked, "type", f"{path}.type", ("json_schema",))
    require_capability(traits, "json", path)
    required_object(asked, "schema", f"{path}.schema")
    return ResponseFormat("json_schema", bytes(asked["schema"]))
