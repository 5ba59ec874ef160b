"""Joined: puts a relayed stream together as the whole answer that its caller waits for.

Ids, blocks and fields are the model server's own, also those that the platform does not know.
"""

from collections.abc import Iterator, Mapping

import msgspec

from setaria.core.dialogue import ToolCall
from setaria.core.events import FinishReason
from setaria.core.ids import new_message_id
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.answer import fields_from_usage, input_from_arguments, stop_reason_from_finish
from setaria.wire.codec import AnswerHead
from setaria.wire.relayed import read_objects, told

_Fields = dict[str, object]

_TEXTS: Mapping[str, str] = {
    "text_delta": "text",
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "input_json_delta": "partial_json",
}
_OWN_FIELDS = frozenset({"type", "delta", "usage"})  # of an event; others are the message's


class _Block:
    """One block: `fields` as it began, then the pieces of its texts."""

    def __init__(self, fields: _Fields) -> None:
        self.fields = fields
        self._texts: dict[str, list[str]] = {}
        self._citations: list[object] = []

    def add(self, delta: _Fields) -> None:
        """Take more of it."""
        name = _name_text(delta)
        text = delta.get(name)
        if isinstance(text, str):
            self._texts.setdefault(name, []).append(text)
        elif "citation" in delta:
            self._citations.append(delta["citation"])

    def build(self) -> _Fields:
        """Give it whole."""
        whole = dict(self.fields)
        for name, pieces in self._texts.items():
            text = "".join(pieces)
            if name == "partial_json":
                whole["input"] = input_from_arguments(ToolCall("", "", text))
            else:
                begun = whole.get(name)
                whole[name] = begun + text if isinstance(begun, str) else text
        if self._citations:
            begun = whole.get("citations")
            whole["citations"] = [*begun, *self._citations] if isinstance(begun, list) else self._citations
        return whole


class MessagesJoiner:
    """Puts one stream together; implements `Joiner`."""

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._fields: _Fields = {}
        self._usage: _Fields = {}
        self._has_output = False  # told by the server, and no placeholder
        self._blocks: list[_Block] = []
        self._open: dict[object, _Block] = {}

    def add(self, events: bytes) -> None:
        """Take the next events."""
        for event in read_objects(events):
            self._take(event)

    def close(self, usage: Usage, reason: FinishReason | None) -> bytes:
        """Give the whole answer; see `Joiner.close`."""
        content = list(self._build_blocks())
        calls = any(block.get("type") == "tool_use" for block in content)
        whole: _Fields = {"id": new_message_id(), "type": "message", "role": "assistant", "model": self._head.model}
        whole |= {"stop_reason": "tool_use" if calls else "end_turn", "stop_sequence": None} | self._fields
        counts = msgspec.structs.asdict(fields_from_usage(usage))
        if reason is None:
            shown = counts | self._usage
            shown |= {} if self._has_output else {"output_tokens": usage.output_tokens}
        else:
            shown = self._usage | counts
            whole |= {"stop_reason": stop_reason_from_finish(reason, ""), "stop_sequence": None}
        return msgspec.json.encode(whole | {"content": content, "usage": shown})

    def _take(self, event: _Fields) -> None:
        match event.get("type"):
            case "message_start":
                self._fields = told(event.get("message"))
                self._usage = told(self._fields.get("usage"))
            case "content_block_start":
                self._begin(event.get("index"), told(event.get("content_block")))
            case "content_block_delta":
                self._add_to_block(event.get("index"), told(event.get("delta")))
            case "message_delta":
                usage = told(event.get("usage"))
                self._has_output = self._has_output or "output_tokens" in usage
                self._usage |= usage
                self._fields |= {name: value for name, value in told(event).items() if name not in _OWN_FIELDS}
                self._fields |= told(event.get("delta"))
            case _:
                pass

    def _build_blocks(self) -> Iterator[_Fields]:
        """Give the blocks; one of empty text is none, for it could not be sent back."""
        for block in self._blocks:
            whole = block.build()
            if whole.get("type", "text") != "text" or whole.get("text"):
                yield whole

    def _begin(self, index: object, fields: _Fields) -> _Block:
        block = _Block(fields)
        self._blocks.append(block)
        self._open[_as_key(index)] = block
        return block

    def _add_to_block(self, index: object, delta: _Fields) -> None:
        """Add to the block that is meant; text and thinking outside of one of their kind begin one."""
        block = self._open.get(_as_key(index))
        name = _name_text(delta)
        if name in ("text", "thinking") and (block is None or block.fields.get("type") != name):
            block = self._begin(index, {"type": name, name: ""})
        if block is not None:
            block.add(delta)


def _name_text(delta: _Fields) -> str:
    """Name the text that a delta adds to; empty for a delta of another kind."""
    kind = delta.get("type")
    return _TEXTS.get(kind, "") if isinstance(kind, str) else ""


def _as_key(index: object) -> object:
    return index if isinstance(index, int) else None
