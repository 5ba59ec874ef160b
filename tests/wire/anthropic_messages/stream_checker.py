"""Stream checker: reads an Anthropic stream and refuses any that the protocol does not allow.

Written from the protocol's description and not from the code it judges: frames by hand, blocks by their numbers.
Source: platform.claude.com/docs/en/build-with-claude/streaming, read November 2026.
"""

import json
from typing import Any

DELTA_OF = {"thinking": {"thinking_delta", "signature_delta"}, "text": {"text_delta"}, "tool_use": {"input_json_delta"}}
FIELD_OF = {
    "thinking_delta": "thinking",
    "signature_delta": "signature",
    "text_delta": "text",
    "input_json_delta": "partial_json",
}


class IllegalStreamError(Exception):
    """The stream breaks the protocol."""


def require(holds: bool, rule: str) -> None:
    """Let the stream go on if the rule holds."""
    if not holds:
        raise IllegalStreamError(rule)


def read_frames(stream: bytes) -> list[dict[str, Any]]:  # JSON as it came
    """Cut a stream into its events and check each frame: a name, one line of data, and the name within it."""
    require(not stream or stream.endswith(b"\n\n"), "a stream ends with a whole event")
    events = []
    for frame in stream.split(b"\n\n")[:-1]:
        lines = frame.split(b"\n")
        require(len(lines) == 2, "an event has two lines")
        require(lines[0].startswith(b"event: ") and lines[1].startswith(b"data: "), "first the name, then the data")
        data = json.loads(lines[1].removeprefix(b"data: "))
        require(lines[0].removeprefix(b"event: ").decode() == data["type"], "the data has the event's name as its type")
        events.append(data)
    return events


class StreamChecker:
    """Follows a stream; `content` is what it has built so far and `ended` how it ended, empty while it goes on."""

    def __init__(self) -> None:
        self.content: list[dict[str, Any]] = []  # JSON as it came
        self.stop: dict[str, Any] = {}  # JSON as it came
        self.usage: dict[str, int] = {}
        self.ended = ""
        self.started = False
        self.open = False

    def feed(self, stream: bytes) -> None:
        """Take more of the stream; whole events only."""
        for event in read_frames(stream):
            require(not self.ended, f"{event['type']} after the end")
            require(self.started != (event["type"] == "message_start"), "message_start comes first and once")
            require(not self.stop or event["type"] in ("message_stop", "error"), "message_delta ends the content")
            getattr(self, f"take_{event['type']}")(event)

    def take_message_start(self, event: dict[str, Any]) -> None:
        message = event["message"]
        require(message["id"].startswith("msg_") and len(message["id"]) == 28, "an id is msg_ and 24 digits")
        require((message["type"], message["role"]) == ("message", "assistant"), "the message is the assistant's")
        require(message["content"] == [] and message["stop_reason"] is None, "a message starts empty")
        require(message["stop_sequence"] is None, "nothing has stopped it")
        self.usage = message["usage"]
        self.started = True

    def take_content_block_start(self, event: dict[str, Any]) -> None:
        require(not self.open, "one block at a time")
        require(event["index"] == len(self.content), "blocks are numbered one by one")
        block = event["content_block"]
        empty = {
            "thinking": {"type": "thinking", "thinking": "", "signature": ""},
            "text": {"type": "text", "text": ""},
            "tool_use": {"type": "tool_use", "id": block.get("id"), "name": block.get("name"), "input": {}},
        }
        require(block == empty[block["type"]], "a block starts empty")
        require(block["type"] != "tool_use" or bool(block["id"] and block["name"]), "a call has id and name")
        self.content.append(block | {"partial_json": ""})
        self.open = True

    def take_content_block_delta(self, event: dict[str, Any]) -> None:
        require(self.open and event["index"] == len(self.content) - 1, "a delta is for the open block")
        block, kind = self.content[-1], event["delta"]["type"]
        require(kind in DELTA_OF[block["type"]], f"a {block['type']} block takes no {kind}")
        field = FIELD_OF[kind]
        require(set(event["delta"]) == {"type", field}, "a delta has its one field")
        require(isinstance(event["delta"][field], str) and event["delta"][field] != "", "a delta brings something")
        require(block["type"] != "thinking" or not block["signature"], "nothing follows the signature")
        block[field] += event["delta"][field]

    def take_content_block_stop(self, event: dict[str, Any]) -> None:
        require(self.open and event["index"] == len(self.content) - 1, "only the open block is stopped")
        block = self.content[-1]
        text = block.pop("partial_json")
        require(block["type"] != "thinking" or bool(block["signature"]), "thinking is signed")
        require(block["type"] != "text" or bool(block["text"]), "no block is in vain")
        if block["type"] == "tool_use":
            block["input"] = json.loads(text)
        self.open = False

    def take_message_delta(self, event: dict[str, Any]) -> None:
        require(not self.open, "all blocks are stopped before the message ends")
        require(bool(event["delta"]["stop_reason"]) and "stop_sequence" in event["delta"], "the end has a reason")
        self.stop, self.usage = event["delta"], event["usage"]

    def take_message_stop(self, event: dict[str, Any]) -> None:
        require(bool(self.stop), "message_delta comes before message_stop")
        self.ended = "stop"

    def take_error(self, event: dict[str, Any]) -> None:
        require(bool(event["error"]["type"] and event["error"]["message"]), "an error says what it is")
        self.ended = "error"
