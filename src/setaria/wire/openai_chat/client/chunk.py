"""Chunk: the shape of one event of a stream, and of a whole answer, as far as we read it.

Both have the same outline: a stream's choice holds a `delta`, a whole answer's a `message`.
"""

from typing import TypeVar

import msgspec

from setaria.core.errors import UpstreamFailed
from setaria.wire.half_characters import HalfCharacters, replace_lone_halves
from setaria.wire.loose import read_loosely

T = TypeVar("T")

_NULL = b"null"
_ABSENT = msgspec.Raw()

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class FunctionPiece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a called function; the arguments are a string, or with some servers the object itself."""

    name: str | None = None
    arguments: msgspec.Raw = _ABSENT


class CallPiece(msgspec.Struct, frozen=True, gc=False):
    """A piece of a tool call."""

    index: int | None = None
    id: str | None = None
    function: FunctionPiece | None = None


class Delta(msgspec.Struct, frozen=True, gc=False):
    """What a choice adds; `reasoning` is text, or with some servers a thing we do not read."""

    content: str | None = None
    reasoning_content: str | None = None
    reasoning: object = None
    refusal: str | None = None
    tool_calls: list[CallPiece] | None = None
    function_call: FunctionPiece | None = None

    @property
    def thought(self) -> str:
        """The reasoning, under whichever name it came."""
        if self.reasoning_content:
            return self.reasoning_content
        return self.reasoning if isinstance(self.reasoning, str) else ""

    @property
    def hidden_thought(self) -> str:
        """The reasoning where it came under the name alone that callers do not know."""
        return "" if self.reasoning is None or self.reasoning_content else self.thought

    @property
    def calls(self) -> list[CallPiece]:
        """The pieces of tool calls, the outdated single call among them."""
        if self.function_call is not None:
            return [CallPiece(0, None, self.function_call)]
        return self.tool_calls or []


class Choice(msgspec.Struct, frozen=True, gc=False):
    """One entry of `choices`; vLLM tells in `stop_reason`, SGLang in `matched_stop` which stop string ended it."""

    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    finish_reason: str | None = None
    stop_reason: object = None
    matched_stop: object = None


class Chunk(msgspec.Struct, frozen=True, gc=False):
    """The whole thing."""

    object: str | None = None
    choices: list[Choice] | None = None
    usage: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT

    @property
    def tells_error(self) -> bool:
        """Whether it is an error, in today's form or in that of older servers."""
        return (len(self.error) > 0 and is_present(self.error)) or (self.choices is None and self.object == "error")

    @property
    def choice(self) -> Choice | None:
        """The one choice that we asked for."""
        for choice in self.choices or ():
            if not choice.index:
                return choice
        return None

    @property
    def plain_text(self) -> tuple[str, str]:
        """The key and the text of a chunk that says one text and nothing else; both empty for any other."""
        delta = self._plain_delta
        if delta is None or delta.calls or delta.refusal:
            return "", ""
        reasoning = delta.reasoning if isinstance(delta.reasoning, str) else ""
        texts = (("content", delta.content), ("reasoning_content", delta.reasoning_content), ("reasoning", reasoning))
        said = [(key, text) for key, text in texts if text]
        return said[0] if len(said) == 1 and (reasoning or not delta.reasoning) else ("", "")

    @property
    def plain_arguments(self) -> msgspec.Raw:
        """The arguments of a chunk that only goes on with those of one tool call; empty for any other."""
        delta = self._plain_delta
        if delta is None or delta.content or delta.reasoning_content or delta.reasoning or delta.refusal:
            return _ABSENT
        piece = delta.tool_calls[0] if delta.tool_calls and len(delta.tool_calls) == 1 else CallPiece()
        is_more = piece.function is not None and not (piece.id or piece.function.name or delta.function_call)
        return piece.function.arguments if is_more and piece.function is not None else _ABSENT

    @property
    def _plain_delta(self) -> Delta | None:
        """The delta of a chunk that has one choice and tells neither an end nor usage nor an error."""
        choice = self.choice
        if choice is None or len(self.choices or ()) > 1 or choice.finish_reason:
            return None
        return None if is_present(self.usage) or is_present(self.error) else choice.delta


class NamedChunk(Chunk, frozen=True, gc=False):
    """The same with the server's name of the model, for who shows it to a caller."""

    model: msgspec.Raw = _ABSENT


_chunk = msgspec.json.Decoder(Chunk)
_named = msgspec.json.Decoder(NamedChunk)
_object = msgspec.json.Decoder(dict[str, object])


def read_chunk(data: bytes, halves: HalfCharacters | None = None) -> Chunk:
    """Read the data of one event.

    Takes: halves, where half a character may come with this event and the rest with the next.
    Raises: UpstreamFailed when it is no JSON or of another shape.
    Cost: 0.5 us for a delta of a few characters.
    """
    try:
        return _chunk.decode(data)
    except UNREADABLE:
        return read_odd(data if halves is None else halves.join(data), Chunk)


def read_named(data: bytes) -> NamedChunk | None:
    """Read the data of one event, or a whole answer; None where `read_odd` is to be asked."""
    try:
        return _named.decode(data)
    except UNREADABLE:
        return None


def read_odd(data: bytes, shape: type[T]) -> T:
    """Read a chunk, or a whole answer, some of whose values are of another type than the protocol says.

    A lone half of a character is replaced, an id or index taken for what it says, and of a text in parts all texts are
    put together; parts of thinking, as Mistral's models write them, are reasoning.

    Raises: UpstreamFailed when it is of another shape nevertheless.
    """
    told = read_object(data)
    for choice in _objects(told.get("choices")):
        for message in _objects([choice.get("delta"), choice.get("message")]):
            thoughts = [part.get("thinking") for part in _objects(message.get("content"))]
            if any(thoughts):
                message["reasoning_content"] = [
                    piece for thought in thoughts for piece in (thought if isinstance(thought, list) else [thought])
                ]
    try:
        return read_loosely(told, shape)
    except UNREADABLE as error:
        raise _not_legal() from error


def read_object(data: bytes) -> dict[str, object]:
    """Read what need be no chunk.

    Raises: UpstreamFailed when it is no JSON object.
    """
    try:
        return _object.decode(replace_lone_halves(data))
    except UNREADABLE as error:
        raise _not_legal() from error


def _objects(value: object) -> list[dict[str, object]]:
    """List the objects in what may be a list."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _not_legal() -> UpstreamFailed:
    return UpstreamFailed("the model server sent what is no chat completion")


def is_present(raw: msgspec.Raw) -> bool:
    """Tell whether a value is there and not null."""
    return len(raw) > 0 and bytes(raw) != _NULL
