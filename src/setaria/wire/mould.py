"""Mould: the form that most events of a stream share, all but their text; learnt from one, it recognises the next.

Theory. A server writes the same bytes around each piece of what the model says. So an event that begins and ends as an
earlier one did, with one JSON string between, says the same kind of thing with another text, and nothing else in it
needs to be read. Whatever is not exactly so is read in full by whoever asks.
"""

import re
from collections.abc import Mapping

import msgspec

from setaria.wire.frame import KeptFrame

_read_string = msgspec.json.Decoder(str).decode
_GAP = b"\n\n"
_LONGEST_BYTES = 2048
_LESSONS_AT_FIRST = 8
_TOKENS_PER_LESSON = 32
_PLACES: Mapping[str, re.Pattern[bytes]] = {
    key: re.compile(rb'"%b"\s*:\s*"' % key.encode())
    for key in ("content", "reasoning_content", "reasoning", "arguments", "text", "thinking", "partial_json")
}


class Mould:
    """What stands before and after the text of an event, quotes included.

    `frame` is how such an event is shown; None: as it came.
    """

    __slots__ = ("_end", "_start", "after", "before", "frame")

    def __init__(self, before: bytes, after: bytes, frame: KeptFrame | None = None) -> None:
        self.before = before
        self.after = after
        self.frame = frame
        self._start, self._end = len(before) - 1, 1 - len(after)

    def text_in(self, data: bytes) -> str:
        """Give the text of a single event, its blank line included; empty when it is of another form, or has none.

        Cost: hot path, 0.25 us.
        """
        start, end = self._start, self._end
        if self.before + data[start + 1 : end - 1] + self.after != data:  # cheaper than to look at both ends
            return ""
        try:
            return _read_string(data[start:end])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return ""

    def show(self, data: bytes) -> bytes:
        """Give an event of this form as it is to be shown."""
        frame = self.frame
        return data if frame is None else frame.show(data[self._start : self._end], "")

    def shown_with(self, *changes: tuple[bytes, bytes]) -> "Mould":
        """Make the mould whose events are shown with other bytes in place of some."""
        before, after = self.before[:-1], self.after[1:]
        for change in changes:
            before, after = before.replace(*change), after.replace(*change)
        is_as_it_came = before + after == self.before[:-1] + self.after[1:]
        return Mould(self.before, self.after, None if is_as_it_came else KeptFrame(before, after))


class Lessons:
    """Learns moulds, and gives up on a server whose events differ each time.

    Cost: 1.5 us a lesson; at most one in `_TOKENS_PER_LESSON` tokens, after the first few.
    """

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken = 0

    def learn(self, data: bytes, key: str, text: str, said_tokens: int) -> Mould | None:
        """Learn from a single event with plain line ends, its blank line included, that says this text under this key.

        Takes: said_tokens, how far the stream has come.
        Gives: None where the text can't be told from the rest beyond doubt, or enough lessons were taken.
        """
        if self._taken * _TOKENS_PER_LESSON > said_tokens + _LESSONS_AT_FIRST * _TOKENS_PER_LESSON:
            return None
        self._taken += 1
        if len(data) > _LONGEST_BYTES or not data.endswith(_GAP) or _GAP in data[: -len(_GAP)]:
            return None
        places = list(_PLACES[key].finditer(data))
        if len(places) != 1:
            return None
        start = places[0].end()
        end = start + len(text.encode())
        if data[start:end] != text.encode() or data[end : end + 1] != b'"':
            return None
        return Mould(data[:start], data[end:])
