r"""JSON calls: reads `{"name": ..., "arguments": {...}}` as Hermes and Qwen3 models write it.

Theory. The object is collected until its last bracket closes, or a `<` outside a string says that the model forgot to
close some; then it is parsed. So it is a whole call with valid JSON, or text, and nothing of it comes out until then.
Fields other than name and arguments are dropped. Line breaks that a model left unescaped inside a string are mended.
When the output ends within the object, a name and the beginning of its arguments are given as an open call whose JSON
is not whole, so that nobody runs it.
"""

import re

import msgspec

from setaria.wire.dialects.ending import Left
from setaria.wire.dialects.outlet import Outlet

_OUTSIDE_STRING = re.compile(r'["{}\[\]<]')
_INSIDE_STRING = re.compile(r'["\\]')
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_CLOSER = {"{": "}", "[": "]"}
_ESCAPE_OR_CONTROL = re.compile(r"\\.|[\x00-\x1f]", re.DOTALL)
_BEGUN_CALL = re.compile(
    r'\{\s*"name"\s*:\s*"([^"\\\x00-\x1f]+)"\s*,\s*"(?:arguments|parameters)"\s*:\s*(\{.*)', re.DOTALL
)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_object = msgspec.json.Decoder(dict[str, object])
_string = msgspec.json.Decoder(str)
_EMPTY = msgspec.Raw(b'""')
_NO_ARGUMENTS = msgspec.Raw(b"{}")


class JsonCall:
    """Reads one call into the outlet, from its `{` on."""

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._parts: list[str] = []
        self._closers: list[str] = []
        self._in_string = False
        self._escaped = False

    def feed(self, text: str) -> Left | None:
        """Read text up to the end of the object; None while it goes on."""
        end = self._find_end(text)
        if end is None:
            self._parts.append(text)
            return None
        self._parts.append(text[:end])
        written = "".join(self._parts)
        call = _read_call(written + "".join(reversed(self._closers)))
        if call is None:
            return Left(written, text[end:])
        self._emit(call)
        return Left("", text[end:])

    def _find_end(self, text: str) -> int | None:
        """Find where the object ends in the next text: after its last bracket, or before a `<` outside a string."""
        at = 0
        while at < len(text):
            if self._escaped:
                self._escaped = False
                at += 1
                continue
            found = (_INSIDE_STRING if self._in_string else _OUTSIDE_STRING).search(text, at)
            if found is None:
                return None
            at = found.end()
            if found[0] == "<":
                return found.start()
            self._take(found[0])
            if not self._closers:
                return at
        return None

    def _take(self, mark: str) -> None:
        if mark == "\\":
            self._escaped = True
        elif mark == '"':
            self._in_string = not self._in_string
        elif mark in _CLOSER:
            self._closers.append(_CLOSER[mark])
        else:
            self._closers.pop()

    def _emit(self, call: tuple[str, str]) -> None:
        name, arguments = call
        self._outlet.start_call(name)
        self._outlet.add_arguments(arguments)

    def close(self) -> str:
        """End where the model ended by itself: brackets it forgot are closed for it. Gives what is no call."""
        if not self._in_string:
            call = _read_call("".join((*self._parts, *reversed(self._closers))))
            if call is not None:
                self._emit(call)
                return ""
        return self.cut()

    def cut(self) -> str:
        """End where the output was cut: the arguments stay as open as they are. Gives what is no call."""
        written = "".join(self._parts)
        begun = _BEGUN_CALL.match(written)
        if begun is None:
            return written
        self._emit((begun[1], begun[2]))
        return ""


def _escape_controls(text: str) -> str:
    """Escape line breaks and other control characters inside the strings of a JSON text."""
    return _STRING.sub(lambda string: _ESCAPE_OR_CONTROL.sub(_escape_control, string[0]), text)


def _escape_control(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith("\\") else f"\\u{ord(found[0]):04x}"


def _read_call(written: str) -> tuple[str, str] | None:
    """Read name and arguments; None when there is no name or the arguments are no object."""
    try:
        fields = _fields.decode(_escape_controls(written))
        name = _string.decode(fields.get("name", _EMPTY))
        raw = fields.get("arguments", fields.get("parameters", _NO_ARGUMENTS))
        arguments = _string.decode(raw) if bytes(raw)[:1] == b'"' else bytes(raw).decode()
        if arguments in ("", "null"):
            arguments = "{}"
        _object.decode(arguments)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return None
    return (name, arguments) if name else None
