"""Rewrite: sends a request that came in this protocol on, with only the necessary fields changed.

What stays keeps its place and its bytes. A field given twice stands once, for the envelope holds the last.
"""

import functools

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.wire.codec import Envelope
from setaria.wire.fields import present
from setaria.wire.openai_chat.client.thinking import write_thinking
from setaria.wire.upstream_codec import Manner

_Fields = dict[str, msgspec.Raw]

_KNOWN = frozenset(
    {
        "model",
        "messages",
        "max_completion_tokens",
        "max_tokens",
        "temperature",
        "top_p",
        "frequency_penalty",
        "presence_penalty",
        "logit_bias",
        "stop",
        "seed",
        "stream",
        "stream_options",
        "tools",
        "tool_choice",
        "parallel_tool_calls",
        "response_format",
        "audio",
        "asr_options",
    }
)
_OF_TOOLS = frozenset({"tools", "tool_choice", "parallel_tool_calls"})
_KNOWN_WITHOUT_TOOLS = _KNOWN - _OF_TOOLS
_SWITCHES = frozenset({"thinking", "reasoning_effort"})
_TRUE = msgspec.Raw(b"true")
_AUTO = msgspec.Raw(b'"auto"')
_NULL = msgspec.Raw(b"null")
_DEVELOPER, _SYSTEM = b'"developer"', msgspec.Raw(b'"system"')
_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(_Fields)
_messages = msgspec.json.Decoder(list[_Fields])
_number = msgspec.json.Decoder(float)


def rewrite_request(envelope: Envelope, dialogue: Dialogue, manner: Manner) -> bytes:
    """Write the request as the deployment wants it.

    Cost: 2 us, and 30 for 1 MB of messages; where their history holds reasoning, 1 us a message more.
    """
    asked = envelope.fields
    allowed = _list_allowed(dialogue, manner) if dialogue.tools or manner.pass_fields else _KNOWN_WITHOUT_TOOLS
    fields = dict(asked) if asked.keys() <= allowed else {name: asked[name] for name in asked if name in allowed}
    fields["model"] = _kept_raw(manner.model)
    if dialogue.has_variants:
        fields["messages"] = _rewrite_messages(fields["messages"])
    _limit_output(fields, dialogue.max_output_tokens)
    sampling = dialogue.sampling
    _force_number(fields, "temperature", sampling.temperature)
    _force_number(fields, "top_p", sampling.top_p)
    if dialogue.tool_choice.mode == "auto" and fields.get("tool_choice", _AUTO) != _AUTO:
        del fields["tool_choice"]
    if envelope.stream:
        _ask_for_usage(fields)
    else:  # without a stream, servers refuse options for one
        fields.pop("stream", None)
        fields.pop("stream_options", None)
    if manner.thinking_style != "none":
        crossing = {name: raw for name, raw in asked.items() if name in allowed or name in _SWITCHES}
        fields.update(write_thinking(manner.thinking_style, crossing, thinking=dialogue.thinking))
    return _encode(fields)


def _list_allowed(dialogue: Dialogue, manner: Manner) -> frozenset[str]:
    """List the fields that go on: those we know, those asked for, and none of tools where none is offered."""
    known = _KNOWN if dialogue.tools else _KNOWN_WITHOUT_TOOLS
    if not manner.pass_fields:
        return known
    passed = frozenset(manner.pass_fields) - _SWITCHES
    return known | (passed if dialogue.tools else passed - _OF_TOOLS)


def _limit_output(fields: _Fields, max_output_tokens: int) -> None:
    """Set the limit under the name that the caller used; of both names the second counts."""
    name = "max_tokens"
    if "max_completion_tokens" in fields:
        if present(fields, "max_completion_tokens") is not None:
            fields.pop(name, None)
            name = "max_completion_tokens"
        else:
            del fields["max_completion_tokens"]
    fields[name] = _kept_raw(max_output_tokens)


def _force_number(fields: _Fields, name: str, value: float) -> None:
    """Set a number where it is not what it must be; an equal value keeps its bytes."""
    wanted, raw = _kept_raw(value), fields.get(name)
    if raw is None or (raw != wanted and not _is_number(raw, value)):
        fields[name] = wanted


def _is_number(raw: msgspec.Raw, value: float) -> bool:
    try:
        return _number.decode(raw) == value
    except msgspec.DecodeError:
        return False


def _ask_for_usage(fields: _Fields) -> None:
    """Have a stream end with its usage."""
    options = fields.pop("stream_options", None)
    options = None if options == _NULL else options
    fields.pop("stream", None)
    fields["stream"] = _TRUE
    fields["stream_options"] = _raw({**(_fields.decode(options) if options else {}), "include_usage": _TRUE})


def _rewrite_messages(raw: msgspec.Raw) -> msgspec.Raw:
    """Give the messages as they are, but for what would break on open servers.

    The role `developer` is unknown to most chat templates; it becomes `system`. The reasoning of earlier turns is
    written under vLLM's name for it, too.
    Source: https://github.com/vllm-project/vllm/issues/38488, read November 2026.
    """
    messages = _messages.decode(raw)
    for message in messages:
        if bytes(message.get("role", b"")) == _DEVELOPER:
            message["role"] = _SYSTEM
        thought = present(message, "reasoning_content")
        if thought is not None and "reasoning" not in message:
            message["reasoning"] = thought
    return _raw(messages)


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(_encode(value))


@functools.lru_cache(maxsize=4096, typed=True)  # 1 and 1.0 are written differently
def _kept_raw(value: str | float) -> msgspec.Raw:
    """Write what many requests have in common."""
    return _raw(value)
