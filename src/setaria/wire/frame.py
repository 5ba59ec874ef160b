"""Frame: what stands around the text of an event as the caller is shown it, when events differ in their text alone."""

from collections.abc import Callable
from typing import Protocol

import msgspec

_write_string = msgspec.json.Encoder().encode


class Frame(Protocol):
    """Shows events of one form; `is_thought`: what they say is reasoning, and counts as such."""

    is_thought: bool

    def show(self, string: bytes, text: str) -> bytes:
        """Give the whole event with this text, which came as this JSON string."""
        ...


class KeptFrame:
    """Stands around the string as it came."""

    __slots__ = ("_after", "_before")

    is_thought = False

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after

    def show(self, string: bytes, text: str) -> bytes:  # noqa: ARG002 - see `Frame`
        """Give the whole event."""
        return self._before + string + self._after


class WrittenFrame:
    """Stands around the text written anew: the same text, but a server may have written it in another way."""

    __slots__ = ("_after", "_before", "is_thought")

    def __init__(self, before: bytes, after: bytes, *, is_thought: bool = False) -> None:
        self._before = before
        self._after = after
        self.is_thought = is_thought

    def show(self, string: bytes, text: str) -> bytes:  # noqa: ARG002 - see `Frame`
        """Give the whole event."""
        return self._before + _write_string(text) + self._after


class NotedFrame(WrittenFrame):
    """Stands around reasoning, and tells `note` the bytes of each piece."""

    __slots__ = ("_note",)

    def __init__(self, before: bytes, after: bytes, note: Callable[[bytes], None]) -> None:
        super().__init__(before, after, is_thought=True)
        self._note = note

    def show(self, string: bytes, text: str) -> bytes:
        """Give the whole event."""
        self._note(text.encode())
        return super().show(string, text)
