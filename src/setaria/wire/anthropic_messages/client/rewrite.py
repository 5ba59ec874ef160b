"""Rewrite: makes a request of this protocol one for a deployment, and leaves what need not change as it came."""

from collections.abc import Mapping

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.wire.anthropic_messages.client.messages import has_refused_thoughts, leave_out_thoughts
from setaria.wire.anthropic_messages.client.request import may_think, write_sampling, write_tool_choice
from setaria.wire.anthropic_messages.client.system_turns import may_have_system_turns, place_system_turns
from setaria.wire.anthropic_messages.client.thinking import Switch, clamp_budget, is_thinking, switch_thinking
from setaria.wire.codec import Envelope
from setaria.wire.fields import (
    Fields,
    is_object,
    optional_integer,
    optional_object,
    optional_string,
    present,
    read_list,
    read_object,
)
from setaria.wire.upstream_codec import Manner

# What the platform knows and the server may see. All else costs the operator's money, needs a header that does not
# cross, or is the caller's own affair.
_KNOWN = (
    "messages",
    "system",
    "stream",
    "temperature",
    "top_p",
    "top_k",
    "stop_sequences",
    "tools",
    "tool_choice",
    "output_config",
)
_SAMPLING = ("temperature", "top_p", "top_k")
_CUSTOM = "custom"

_encode = msgspec.json.Encoder().encode


def rewrite_request(envelope: Envelope, dialogue: Dialogue, manner: Manner) -> bytes:
    """Write a request that came in this protocol for a deployment; see `UpstreamCodec.rewrite_request`."""
    given = envelope.fields
    names = (name for name in given if name in _KNOWN or name in manner.pass_fields)
    fields: dict[str, object] = {"model": manner.model, "max_tokens": dialogue.max_output_tokens}
    fields |= {name: raw for name in names if (raw := present(given, name)) is not None and name not in fields}
    fields |= _move_output_format(given)
    if envelope.stream:  # which the platform may want where the caller does not
        fields["stream"] = True
    if dialogue.left_out:
        fields = _leave_out_tools(fields, given, dialogue)
    fields |= _mend_messages(given, dialogue, manner)
    switch = _switch_thinking(given, dialogue, manner)
    fields = _force_sampling(fields, switch, dialogue, manner)
    return _encode(fields | {name: _merge(fields.get(name), value) for name, value in switch.items()})


def _mend_messages(given: Fields, dialogue: Dialogue, manner: Manner) -> Mapping[str, object]:
    """Give the messages without what the server would refuse; nothing where they may stay as they came."""
    raw = given["messages"]
    is_thoughtful, has_system = has_refused_thoughts(dialogue, manner), may_have_system_turns(raw)
    if not (is_thoughtful or has_system):
        return {}
    kept = leave_out_thoughts(raw, manner) if is_thoughtful else read_list(raw, "messages")
    mended: dict[str, object] = {"messages": kept} if is_thoughtful else {}
    return mended | place_system_turns(given, kept) if has_system else mended


def _move_output_format(given: Fields) -> Mapping[str, object]:
    """Write `output_format`, as earlier clients call it, in its new place."""
    form = present(given, "output_format")
    config = optional_object(given, "output_config", "output_config") or {}
    return {} if form is None or "format" in config else {"output_config": config | {"format": form}}


def _leave_out_tools(fields: Mapping[str, object], given: Fields, dialogue: Dialogue) -> dict[str, object]:
    """Leave out the tools that the protocol's maker runs: they would spend the operator's money, or be refused."""
    kept = {name: value for name, value in fields.items() if name not in ("tools", "tool_choice")}
    own = [tool for tool in read_list(given["tools"], "tools") if _is_callers_own(tool)]
    return kept | {"tools": own, "tool_choice": write_tool_choice(dialogue.tool_choice)} if own else kept


def _is_callers_own(tool: msgspec.Raw) -> bool:
    return optional_string(read_object(tool, "tools"), "type", "tools.type", default=_CUSTOM) == _CUSTOM


def _switch_thinking(given: Fields, dialogue: Dialogue, manner: Manner) -> Switch:
    """Switch thinking as the dialogue has it; a style `anthropic` keeps the caller's own words where it can.

    Where it is not by these words alone that thinking is on, or that earlier thinking is missing, the server must not
    be asked for thinking that it refuses.
    """
    limit = dialogue.max_output_tokens
    asked = optional_object(given, "thinking", "thinking")
    if manner.thinking_style != "anthropic" or asked is None or not dialogue.thinking:
        on = dialogue.thinking and (asked is not None or may_think(dialogue, manner))
        return switch_thinking(manner.thinking_style, limit, on=on)
    if optional_string(asked, "type", "thinking.type") != "enabled":
        return {"thinking": asked}
    wanted = optional_integer(asked, "budget_tokens", "thinking.budget_tokens")
    budget_tokens = clamp_budget(limit // 2 if wanted is None else wanted, limit)
    if budget_tokens is None or (has_refused_thoughts(dialogue, manner) and not may_think(dialogue, manner)):
        return switch_thinking("anthropic", limit, on=False)
    return {"thinking": dict[str, object](asked) | {"budget_tokens": budget_tokens}}


def _merge(given: object, switch: object) -> object:
    """Add the switch to what else a caller may say in its place, such as arguments of the chat template."""
    if not isinstance(given, msgspec.Raw) or not isinstance(switch, dict) or not is_object(given):
        return switch
    return dict[str, object](read_object(given, "")) | switch


def _force_sampling(
    fields: Mapping[str, object], switch: Switch, dialogue: Dialogue, manner: Manner
) -> dict[str, object]:
    """Put the sampling that is final in place of what was asked; a style `anthropic` keeps what it would take."""
    if manner.thinking_style != "anthropic":
        return dict(fields) | write_sampling(dialogue, manner, switch)
    dropped = _SAMPLING if is_thinking(switch) else ()
    return {name: value for name, value in fields.items() if name not in dropped}
