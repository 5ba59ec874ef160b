"""Template: a dialogue as the text that a model's chat template makes of it.

What a template cannot take is fitted to it: all system messages become one at the front, pictures and blocks without
text become a short placeholder, and arguments that are no JSON object become the one argument `arguments`. What has
been thought in earlier turns stays, for models that are to see it.

Text from outside can never become a special token such as `<|im_end|>`: a `BREAK` is put inside each one that it
contains, and at its ends where it could complete one together with the template's own words.

An answer that was begun is written as a turn like all others, and what the template writes behind its last text, its
end mark above all, is cut: so any template leaves it open.
"""

import json
import re
from collections.abc import Collection

import msgspec
from jinja2 import TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from setaria.adapters.upstreams.local.engine.vocabulary import BREAK
from setaria.core.dialogue import Block, Dialogue, Image, Message, Opaque, Reasoning, Text, Tool, ToolCall, ToolResult
from setaria.core.errors import InvalidRequest

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]
_Turn = dict[str, Json]

_REPLACEMENT = "\ufffd"
_OPEN = "\ufdd1"  # a noncharacter as `BREAK` is: behind it nothing of the rendered text counts
_MARKS = re.compile(f"[{BREAK}{_OPEN}]")
_TEMPLATE_ERRORS = (TemplateError, TypeError, ValueError, LookupError, AttributeError, ArithmeticError, RecursionError)


class ChatTemplate:
    """A model's chat template; `special_texts` are the texts of the vocabulary's special tokens."""

    def __init__(self, source: str, special_texts: Collection[str]) -> None:
        # The output is a prompt, no page: escaping for HTML would falsify it.
        environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, autoescape=False)
        environment.filters["tojson"] = _to_json
        environment.globals["raise_exception"] = _raise_template_error
        self._template = environment.from_string(source)
        texts = sorted((text for text in special_texts if text), key=len, reverse=True)
        self._within = re.compile("|".join(map(re.escape, texts)) or "(?!)")
        self._texts = frozenset(texts)
        self._starts = tuple({text[:size] for text in texts for size in range(1, len(text))})
        self._ends = tuple({text[size:] for text in texts for size in range(1, len(text))})

    def render(self, dialogue: Dialogue) -> str:
        """Write the dialogue as text, with a `BREAK` wherever two neighbours must not become one token.

        One that `continues` ends with its last turn's text.

        Raises: InvalidRequest when the template cannot take it; the message names no text of the prompt.
        """
        try:
            return self._write(dialogue)
        except _TEMPLATE_ERRORS as error:
            message = "the model's chat template cannot take this conversation; check the tools' parameters"
            raise InvalidRequest(f"{message} ({type(error).__name__})", param="messages") from error

    def _write(self, dialogue: Dialogue) -> str:
        messages = self._messages(dialogue)
        if dialogue.continues:
            messages[-1]["content"] = f"{messages[-1]['content']}{_OPEN}"
        text = self._template.render(
            messages=messages,
            tools=[self._tool(tool) for tool in offered_tools(dialogue)] or None,
            add_generation_prompt=not dialogue.continues,
            enable_thinking=dialogue.thinks_first,
        )
        return text[: text.rindex(_OPEN)] if dialogue.continues else text

    def _messages(self, dialogue: Dialogue) -> list[_Turn]:
        messages: list[_Turn] = []
        system = system_text(dialogue)
        if system:
            messages.append({"role": "system", "content": self._guard_text(system)})
        for message in dialogue.messages:
            match message.role:
                case "system":
                    pass
                case "user":
                    messages.append({"role": "user", "content": self._guard_text(plain_text(message.blocks))})
                case "assistant":
                    messages.append(self._assistant_message(message))
                case "tool":
                    messages += [self._result(block) for block in message.blocks if isinstance(block, ToolResult)]
        return messages

    def _assistant_message(self, message: Message) -> _Turn:
        content: _Turn = {"role": "assistant", "content": self._guard_text(plain_text(message.blocks))}
        reasoning = "".join(block.text for block in message.blocks if isinstance(block, Reasoning))
        if reasoning:
            content["reasoning_content"] = self._guard_text(reasoning)
        calls = [self._call(block) for block in message.blocks if isinstance(block, ToolCall)]
        if calls:
            content["tool_calls"] = calls
        return content

    def _call(self, call: ToolCall) -> Json:
        arguments = json_object(call.arguments.encode())
        if arguments is None:
            arguments = {"arguments": call.arguments} if call.arguments.strip() else {}
        function: Json = {"name": self._guard_text(call.name), "arguments": self._guard(arguments)}
        return {"type": "function", "id": self._guard_text(call.id), "function": function}

    def _result(self, result: ToolResult) -> _Turn:
        text = plain_text(result.content)
        content = self._guard_text(f"Error: {text}" if result.is_error else text)
        return {"role": "tool", "tool_call_id": self._guard_text(result.call_id), "content": content}

    def _tool(self, tool: Tool) -> Json:
        parameters = json_object(tool.parameters) or {"type": "object", "properties": {}}
        function: Json = {
            "name": self._guard_text(tool.name),
            "description": self._guard_text(tool.description),
            "parameters": self._guard(parameters),
        }
        return {"type": "function", "function": function}

    def _guard(self, value: Json) -> Json:
        """Guard each text in a value, the names of its fields too."""
        if isinstance(value, str):
            return self._guard_text(value)
        if isinstance(value, list):
            return [self._guard(item) for item in value]
        if isinstance(value, dict):
            return {self._guard_text(name): self._guard(item) for name, item in value.items()}
        return value

    def _guard_text(self, text: str) -> str:
        if not text:
            return text
        text = self._within.sub(lambda found: found[0][:1] + BREAK + found[0][1:], _MARKS.sub(_REPLACEMENT, text))
        is_inner = any(text in special for special in self._texts)
        front = BREAK if is_inner or text.startswith(self._ends) else ""
        back = BREAK if is_inner or text.endswith(self._starts) else ""
        return front + text + back


def offered_tools(dialogue: Dialogue) -> tuple[Tool, ...]:
    """Give the tools that the model may call: none with tool_choice `none`, only the one that is named."""
    choice = dialogue.tool_choice
    if choice.mode == "none":
        return ()
    if choice.mode == "named":
        return tuple(tool for tool in dialogue.tools if tool.name == choice.name)
    return dialogue.tools


def system_text(dialogue: Dialogue) -> str:
    """Give all system messages as one text, in their order."""
    return "\n\n".join(plain_text(message.blocks) for message in dialogue.messages if message.role == "system")


def plain_text(blocks: tuple[Block, ...]) -> str:
    """Write texts as they are, one after another, with a short placeholder for what has no text."""
    parts = []
    for block in blocks:
        match block:
            case Text(text=text):
                parts.append(text)
            case Image():
                parts.append("[image]")
            case Opaque(kind=kind, text=text):
                parts.append(text or f"[{kind}]")
            case Reasoning() | ToolCall() | ToolResult():
                pass
    return "\n".join(parts)


def json_object(text: bytes) -> dict[str, Json] | None:
    """Read a JSON object; None when the text is none, or too deep to be read."""
    try:
        value = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _to_json(value: Json, indent: int | None = None) -> str:
    """Write JSON as chat templates expect it: characters as they are, and nothing escaped for HTML."""
    return json.dumps(value, ensure_ascii=False, indent=indent)


def _raise_template_error(message: str) -> str:
    """Let a template refuse a conversation, as the public ones do."""
    raise TemplateError(message)
