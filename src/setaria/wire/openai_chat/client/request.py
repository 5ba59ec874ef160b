"""Request: writes a dialogue as a request.

The limit of tokens goes out as `max_tokens`: vLLM, SGLang, llama.cpp, DeepSeek and all older servers take it, while
`max_completion_tokens` is passed over by Ollama, koboldcpp and llama.cpp before February 2026, which then write without
a limit; OpenAI refuses both at once. (OpenAI's own reasoning models want `max_completion_tokens`.)
Source: the OpenAI API reference; https://github.com/ggml-org/llama.cpp/pull/19831; both read November 2026.
"""

from typing import assert_never

import msgspec

from setaria.core.dialogue import Dialogue, ResponseFormat, Sampling, Tool, ToolChoice
from setaria.wire.openai_chat.client.conversation import write_messages
from setaria.wire.openai_chat.client.thinking import write_thinking
from setaria.wire.upstream_codec import Manner

_Shape = dict[str, object]

_NO_PARAMETERS = msgspec.Raw(b'{"type":"object","properties":{}}')
_SCHEMA_NAME = "answer"


def write_request(dialogue: Dialogue, manner: Manner, *, stream: bool) -> bytes:
    """Write a whole request."""
    fields: _Shape = {
        "model": manner.model,
        "messages": write_messages(dialogue.messages),
        "max_tokens": dialogue.max_output_tokens,
        **_write_sampling(dialogue.sampling),
        **_write_tools(dialogue.tools, dialogue.tool_choice),
        **_write_response_format(dialogue.response_format),
        **write_thinking(manner.thinking_style, {}, thinking=dialogue.thinking),
    }
    if dialogue.continues and manner.thinking_style == "chat_template_kwargs":
        fields |= _write_continuation(manner)
    if stream:
        fields["stream"] = True
        fields["stream_options"] = {"include_usage": True}
    return msgspec.json.encode(fields)


def _write_continuation(manner: Manner) -> _Shape:
    """Have the last message gone on with, by the servers that can: those with chat templates of their own.

    vLLM and SGLang take the two flags; llama.cpp goes on without them, but answers 400 where thinking is on.
    Source: https://github.com/sgl-project/sglang/pull/4226, https://github.com/BerriAI/litellm/issues/28580 (vLLM) and
    llama.cpp's server, read November 2026.
    """
    off = write_thinking(manner.thinking_style, {}, thinking=False)
    return {"continue_final_message": True, "add_generation_prompt": False, **off}


def _write_sampling(sampling: Sampling) -> _Shape:
    fields: _Shape = {"temperature": sampling.temperature, "top_p": sampling.top_p}
    if sampling.frequency_penalty:
        fields["frequency_penalty"] = sampling.frequency_penalty
    if sampling.presence_penalty:
        fields["presence_penalty"] = sampling.presence_penalty
    if sampling.seed is not None:
        fields["seed"] = sampling.seed
    if sampling.logit_bias:
        fields["logit_bias"] = {str(token): bias for token, bias in sampling.logit_bias}
    if sampling.stop:
        fields["stop"] = sampling.stop
    return fields


def _write_tools(tools: tuple[Tool, ...], choice: ToolChoice) -> _Shape:
    """Write the tools and whether they must be called; without tools neither, for servers refuse that."""
    if not tools:
        return {}
    fields: _Shape = {"tools": [_write_tool(tool) for tool in tools]}
    match choice.mode:
        case "auto":
            pass
        case "none" | "required":
            fields["tool_choice"] = choice.mode
        case "named":
            fields["tool_choice"] = {"type": "function", "function": {"name": choice.name}}
        case _:
            assert_never(choice.mode)
    if not choice.parallel:
        fields["parallel_tool_calls"] = False
    return fields


def _write_tool(tool: Tool) -> _Shape:
    function: _Shape = {"name": tool.name}
    if tool.description:
        function["description"] = tool.description
    function["parameters"] = msgspec.Raw(tool.parameters) if tool.parameters else _NO_PARAMETERS
    if tool.strict:
        function["strict"] = True
    return {"type": "function", "function": function}


def _write_response_format(form: ResponseFormat) -> _Shape:
    match form.kind:
        case "text":
            return {}
        case "json_object":
            return {"response_format": {"type": form.kind}}
        case "json_schema":
            described = {"name": _SCHEMA_NAME, "schema": msgspec.Raw(form.schema)}
            return {"response_format": {"type": form.kind, form.kind: described}}
        case _:
            assert_never(form.kind)
