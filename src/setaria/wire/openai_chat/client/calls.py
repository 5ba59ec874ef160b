r"""Calls: puts tool calls together from the pieces that servers send, each in its own way.

Theory. `call_match` says which call a piece belongs to. Some servers write two objects into one call's arguments, which
are two calls of one name.

Calls come out one after another: the pieces of a call wait until the call before it is whole, so that no two are open
at once. A call comes out once its first arguments are there: until then its name may go on.
"""

from collections.abc import Iterable

import msgspec

from setaria.core.errors import UpstreamFailed
from setaria.core.events import Event, ToolCallDelta, ToolCallStart
from setaria.core.ids import new_tool_call_id
from setaria.wire.fields import is_string
from setaria.wire.openai_chat.client.call_match import find_call
from setaria.wire.openai_chat.client.chunk import CallPiece, is_present
from setaria.wire.openai_chat.client.object_end import ObjectEnd

_NO_ARGUMENTS = "{}"
_string = msgspec.json.Decoder(str)


class _Call:
    """One call so far: `parts` are its arguments, of which `sent` came out; `number` counts those that did, from 0.

    `original` is the call in whose arguments this one was found, None for most; the `latest` found in this one is where
    its pieces go.
    """

    def __init__(self, index: int | None, call_id: str, name: str, original: "_Call | None" = None) -> None:
        self.index = index
        self.id = call_id
        self.name = name
        self.original = original
        self.latest = self
        self.number = -1
        self.parts: list[str] = []
        self.sent = 0
        self.is_whole = False
        self._end = ObjectEnd()

    @property
    def has_arguments(self) -> bool:
        """Whether arguments have come."""
        return bool(self.parts)

    @property
    def is_out(self) -> bool:
        """Whether it came out from first to last."""
        return self.is_whole and self.sent == len(self.parts)

    @property
    def is_echo(self) -> bool:
        """Whether it says no more than the call it was found in."""
        return self.original is not None and "".join(self.parts) == "".join(self.original.parts).strip()

    def add_name(self, name: str) -> None:
        """Take a name: the whole one again, or more of it while it can go on."""
        if not self.parts and name != self.name:
            self.name += name

    def add_arguments(self, text: str) -> str:
        """Take more JSON text of the arguments; gives what follows their end."""
        end = self._end.find(text)
        self.parts.append(text[:end])
        self.is_whole = end is not None
        return "" if end is None else text[end:]


class CallAssembler:
    """Puts the calls of one answer together.

    Order: `add` any number of times, then `close`, once.
    """

    def __init__(self) -> None:
        self._calls: list[_Call] = []
        self._current = 0
        self._ids: set[str] = set()

    @property
    def is_empty(self) -> bool:
        """Whether no call has come out."""
        return not self._ids

    @property
    def is_open(self) -> bool:
        """Whether a call has come out in part: more of its arguments may come, and nothing else until then."""
        return self._current < len(self._calls) and self._calls[self._current].number >= 0

    def add(self, pieces: Iterable[CallPiece]) -> list[Event]:
        """Take the next pieces; gives the events that are certain by now."""
        for piece in pieces:
            self._add(piece)
        events: list[Event] = []
        while self._current < len(self._calls):
            call = self._calls[self._current]
            if call.name and (call.is_whole or call.original is None):
                self._emit(call, events)
            if not call.is_out:
                break
            self._current += 1
        return events

    def close(self) -> list[Event]:
        """End all calls; one that never had arguments gets an empty object, for that is what it meant.

        Raises: UpstreamFailed when a call with arguments has no name.
        """
        events: list[Event] = []
        for call in self._calls[self._current :]:
            if call.name and not call.parts:
                call.parts.append(_NO_ARGUMENTS)
            if call.parts and not call.name:
                raise UpstreamFailed("the model server sent a tool call without the name of its function")
            self._emit(call, events)
        return events

    def _add(self, piece: CallPiece) -> None:
        function = piece.function
        name = (function and function.name) or ""
        arguments = read_arguments(function.arguments) if function is not None else ""
        call_id = piece.id or ""
        if not (call_id or name or arguments):
            return
        own = [call for call in self._calls if call.original is None]
        call = find_call(own, piece.index, call_id, name)
        if call is None:
            call = _Call(piece.index, call_id, name)
            self._calls.append(call)
        else:
            call.id = call.id or call_id
            call.add_name(name)
        self._add_arguments(call, arguments)

    def _add_arguments(self, call: _Call, text: str) -> None:
        """Add arguments to a call; an object after the first is one more call, what is between them is dropped."""
        while text:
            if call.latest.is_whole:
                start = text.find("{")
                if start < 0:
                    return
                text = text[start:]
                call.latest = _Call(call.index, "", call.name, call)
                self._calls.append(call.latest)
            text = call.latest.add_arguments(text)

    def _emit(self, call: _Call, events: list[Event]) -> None:
        text = "".join(call.parts[call.sent :])
        call.sent = len(call.parts)
        if not text or call.is_echo:
            return
        if call.number < 0:
            call.number = len(self._ids)
            events.append(ToolCallStart(call.number, self._take_id(call), call.name))
        events.append(ToolCallDelta(call.number, text))

    def _take_id(self, call: _Call) -> str:
        """Give the call's id, or one of ours where it has none or another call has the same."""
        call_id = call.id if call.id not in self._ids else ""
        call_id = call_id or new_tool_call_id()
        self._ids.add(call_id)
        return call_id


def read_arguments(raw: msgspec.Raw) -> str:
    """Read the JSON text of arguments that came as a string, or as the object itself."""
    if not is_present(raw):
        return ""
    return _string.decode(raw) if is_string(raw) else bytes(raw).decode()
