"""Joined: puts a relayed stream together as the whole answer that its caller waits for.

Ids and fields are the model server's own, also those that the platform does not know.
"""

import msgspec

from setaria.core.events import FinishReason
from setaria.core.ids import new_tool_call_id
from setaria.core.usage import Usage
from setaria.wire.codec import AnswerHead
from setaria.wire.openai_chat.usage import shape_usage
from setaria.wire.relayed import read_objects, told

_Fields = dict[str, object]

_OF_A_CHUNK = frozenset({"object", "model", "choices", "usage"})
_OF_A_CALL = frozenset({"index", "id", "function"})


class _Call:
    """One tool call so far."""

    def __init__(self) -> None:
        self._id = self._name = ""
        self._others: _Fields = {"type": "function"}
        self._arguments: list[str] = []

    def add(self, piece: _Fields) -> None:
        """Take more of it; some servers say id and name again with each piece."""
        call_id, function = piece.get("id"), told(piece.get("function"))
        self._id = self._id or (call_id if isinstance(call_id, str) else "")
        self._others |= {name: value for name, value in told(piece).items() if name not in _OF_A_CALL}
        name, arguments = function.get("name"), function.get("arguments", "")
        if isinstance(name, str) and not self._arguments and name != self._name:
            self._name += name
        if arguments != "":
            self._arguments.append(arguments if isinstance(arguments, str) else msgspec.json.encode(arguments).decode())

    def build(self) -> _Fields:
        """Give it whole."""
        function = {"name": self._name, "arguments": "".join(self._arguments)}
        return {"id": self._id or new_tool_call_id(), **self._others, "function": function}


class _Message:
    """The message so far: its texts in pieces, its lists, and its calls by their index."""

    def __init__(self) -> None:
        self._texts: dict[str, list[str]] = {}
        self._others: _Fields = {}
        self._calls: dict[object, _Call] = {}

    def add(self, delta: _Fields) -> None:
        """Take the next delta."""
        for name, value in delta.items():
            if name == "tool_calls" and isinstance(value, list):
                self._add_calls(value)
            elif name == "role":
                pass
            elif isinstance(value, str):
                self._texts.setdefault(name, []).append(value)
            else:
                self._others[name] = _add(self._others.get(name), value)

    def build(self) -> _Fields:
        """Give it whole."""
        whole: _Fields = {"role": "assistant", "content": None} | self._others
        for name, pieces in self._texts.items():
            text, parts = "".join(pieces), whole.get(name)
            whole[name] = [*parts, {"type": "text", "text": text}] if isinstance(parts, list) else text
        return whole | {"tool_calls": [call.build() for call in self._calls.values()]} if self._calls else whole

    def _add_calls(self, pieces: list[object]) -> None:
        for piece in map(told, pieces):
            index = piece.get("index")
            self._calls.setdefault(index if isinstance(index, int) else 0, _Call()).add(piece)


class ChatJoiner:
    """Puts one stream together; implements `Joiner`."""

    def __init__(self, head: AnswerHead) -> None:
        self._head = head
        self._message = _Message()
        self._choice: _Fields = {}
        self._others: _Fields = {}
        self._usage: object = None

    def add(self, events: bytes) -> None:
        """Take the next events."""
        for chunk in read_objects(events):
            for name, value in told(chunk).items():
                if name not in _OF_A_CHUNK and value != "":
                    self._others.setdefault(name, value)
            self._usage = chunk.get("usage") or self._usage
            said = _read_choice(chunk.get("choices"))
            self._message.add(told(said.pop("delta", None)))
            self._choice |= said

    def close(self, usage: Usage, reason: FinishReason | None) -> bytes:
        """Give the whole answer; see `Joiner.close`."""
        shown = self._usage if reason is None else None
        choice = self._choice | {"index": 0, "message": self._message.build()}
        whole: _Fields = {
            "id": self._head.call_id,
            "object": "chat.completion",
            "created": self._head.created_at_ms // 1000,
            "model": self._head.model,
            "choices": [choice if reason is None else choice | {"finish_reason": reason}],
        }
        return msgspec.json.encode(whole | self._others | {"usage": shown or shape_usage(usage)})


def _read_choice(choices: object) -> _Fields:
    """Give the one choice that was asked for."""
    found = [told(each) for each in choices] if isinstance(choices, list) else []
    return next((each for each in found if not each.get("index")), {})


def _add(before: object, more: object) -> object:
    """Add to what is no text: lists go on, and so do texts within an object, such as a called function's or sound's."""
    if isinstance(before, list) and isinstance(more, list):
        before += more
        return before
    if not isinstance(before, dict) or not isinstance(more, dict):
        return more
    both = {name: (before.get(name), value) for name, value in told(more).items()}
    return before | {
        name: old + new if isinstance(old, str) and isinstance(new, str) else new for name, (old, new) in both.items()
    }
