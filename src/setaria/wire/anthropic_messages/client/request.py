"""Request: writes a dialogue that came in another protocol.

Source: platform.claude.com/docs/en/api/messages, its pages on extended thinking and structured outputs, and vLLM's
server of the same protocol, read November 2026.
"""

import msgspec

from setaria.core.dialogue import Dialogue, Tool, ToolChoice
from setaria.wire.anthropic_messages.client.begun import read_begun_turn
from setaria.wire.anthropic_messages.client.thinking import Switch, is_thinking, switch_thinking
from setaria.wire.anthropic_messages.client.thoughts import is_thought
from setaria.wire.anthropic_messages.client.turns import split_system, write_turns
from setaria.wire.upstream_codec import Manner

_MAX_TEMPERATURE = 1.0
_CHOICE_TYPES = {"auto": "auto", "none": "none", "required": "any", "named": "tool"}

# The protocol has no such form: its schemas must name each property.
_JSON_ONLY: dict[str, object] = {
    "type": "text",
    "text": "Your answer must be one JSON object and nothing else: no words around it, no code fence.",
}

_read_schema = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


def write_request(dialogue: Dialogue, manner: Manner, *, stream: bool) -> bytes:
    """Write a whole request.

    Raises: InvalidRequest for sound or film, which the protocol has no place for.
    """
    system, messages = split_system(dialogue.messages)
    if dialogue.response_format.kind == "json_object":
        system = [*system, _JSON_ONLY]
    turns = write_turns(messages, manner)
    on = dialogue.thinking and may_think(dialogue, manner)
    switch = switch_thinking(manner.thinking_style, dialogue.max_output_tokens, on=on)
    fields: dict[str, object] = {"model": manner.model, "max_tokens": dialogue.max_output_tokens}
    if system:
        fields["system"] = system
    fields["messages"] = turns
    if dialogue.tools:
        fields["tools"] = [_write_tool(tool) for tool in dialogue.tools]
        fields["tool_choice"] = write_tool_choice(dialogue.tool_choice)
    fields |= switch | write_sampling(dialogue, manner, switch)
    if dialogue.sampling.stop:
        fields["stop_sequences"] = dialogue.sampling.stop
    if dialogue.response_format.kind == "json_schema":
        schema = msgspec.Raw(dialogue.response_format.schema)
        fields["output_config"] = {"format": {"type": "json_schema", "schema": schema}}
    return _encode(fields | {"stream": stream})


def may_think(dialogue: Dialogue, manner: Manner) -> bool:
    """Tell whether the server lets the model think; one that checks thinking does not in two cases.

    These are a call that is demanded, and a turn of the model's that goes on without its thinking: callers of the other
    protocol can't keep the signature, so it does not come back with the results of calls.
    """
    if manner.thinking_style != "anthropic":
        return True
    if dialogue.tool_choice.mode in ("required", "named"):
        return False
    begun = read_begun_turn(dialogue.messages, manner)
    return not begun or any(map(is_thought, begun))


def write_tool_choice(choice: ToolChoice) -> dict[str, object]:
    """Write whether and which tool must be called."""
    written: dict[str, object] = {"type": _CHOICE_TYPES[choice.mode]}
    if choice.mode == "named":
        written["name"] = choice.name
    if not choice.parallel and choice.mode != "none":
        written["disable_parallel_tool_use"] = True
    return written


def write_sampling(dialogue: Dialogue, manner: Manner, switch: Switch) -> dict[str, object]:
    """Write how tokens are drawn.

    A server of style `anthropic` takes no sampling while it thinks, temperatures up to 1, and one of the two only.
    """
    sampling = dialogue.sampling
    if manner.thinking_style != "anthropic":
        return {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if is_thinking(switch):
        return {}
    return {"temperature": min(sampling.temperature, _MAX_TEMPERATURE)}


def _write_tool(tool: Tool) -> dict[str, object]:
    written: dict[str, object] = {"name": tool.name}
    if tool.description:
        written["description"] = tool.description
    written["input_schema"] = {"type": "object"} | _read_schema(tool.parameters or b"{}")
    return written | {"strict": True} if tool.strict else written
