r"""Half characters: JSON in which half of a surrogate pair stands alone, as it does when a server cuts its text there.

Such a half is no character and no decoder of ours reads it. `\ud83d` at the end of one string and `\ude00` at the
beginning of the next are one character, though.
"""

import re

_ESCAPE_BYTES = len(rb"\ud83d")
_LONE = re.compile(
    rb"(?<!\\)(?:\\\\)*(?:(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F]))"
)
_FIRST_AT_END = re.compile(rb'(?<!\\)((?:\\\\)*)(\\u[dD][89abAB][0-9a-fA-F]{2})"')
_SECOND_AT_START = re.compile(rb'(?<!\\)"(?=\\u[dD][c-fC-F])')
_REPLACEMENT = rb"\ufffd"


def find_lone_half(data: bytes) -> int | None:
    """Find the first half that stands alone; None when there is none."""
    lone = _LONE.search(data)
    return None if lone is None else lone.end() - _ESCAPE_BYTES


def replace_lone_halves(data: bytes) -> bytes:
    """Put the replacement character in the place of each half that stands alone."""
    return _LONE.sub(lambda found: found[0][:-_ESCAPE_BYTES] + _REPLACEMENT, data)


class HalfCharacters:
    """Puts characters together whose halves come in two pieces of JSON, one after another."""

    def __init__(self) -> None:
        self._first = b""

    def join(self, data: bytes) -> bytes:
        """Give the next piece with whole characters only: a first half at the end of a string waits for its second."""
        if self._first:
            data = _SECOND_AT_START.sub(lambda found: found[0] + self._first, data)
        first = _FIRST_AT_END.search(data)
        self._first = b"" if first is None else first[2]
        return replace_lone_halves(_FIRST_AT_END.sub(rb'\1"', data))
