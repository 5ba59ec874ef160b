"""Call places: gives each tool call of a relayed stream an index of its own.

Callers put calls together by their index alone. Some servers leave it out, or give two calls the same one.
"""

import msgspec

from setaria.wire.loose import read_fields
from setaria.wire.openai_chat.client.call_match import find_call
from setaria.wire.openai_chat.client.chunk import CallPiece, is_present

_Fields = dict[str, msgspec.Raw]

_fields = msgspec.json.Decoder(_Fields)
_list = msgspec.json.Decoder(list[_Fields])


class _PlacedCall:
    """A call as far as the relay needs to know it; implements `KnownCall`."""

    __slots__ = ("has_arguments", "id", "index", "is_whole", "name", "place")

    def __init__(self, index: int | None, place: int) -> None:
        self.index = index
        self.place = place
        self.id = self.name = ""
        self.has_arguments = False
        self.is_whole = False  # as far as can be told without reading the arguments: they went on without a name


class CallPlaces:
    """Places the calls of one answer."""

    __slots__ = ("_calls",)

    def __init__(self) -> None:
        self._calls: list[_PlacedCall] = []

    @property
    def is_empty(self) -> bool:
        """Whether the answer has no call so far."""
        return not self._calls

    def place(self, piece: CallPiece) -> int:
        """Give the index under which a piece is to be shown: the server's own, unless another call has it."""
        function = piece.function
        call_id, name = piece.id or "", (function and function.name) or ""
        call = find_call(self._calls, piece.index, call_id, name)
        if call is None:
            call = _PlacedCall(piece.index, self._free_place(piece.index))
            self._calls.append(call)
        call.is_whole = call.is_whole or (call.has_arguments and not name)
        call.id = call.id or call_id
        call.name = call.name or name
        call.has_arguments = call.has_arguments or (function is not None and is_present(function.arguments))
        return call.place

    def _free_place(self, index: int | None) -> int:
        taken = {call.place for call in self._calls}
        return index if index is not None and index not in taken else max(taken, default=-1) + 1


def renumber_calls(data: bytes, places: list[int]) -> bytes:
    """Write a chunk again with other indices for the tool calls of its one choice."""
    fields = read_fields(data)
    choices = _list.decode(fields["choices"])
    choice = next(choice for choice in choices if bytes(choice.get("index", b"0")) in (b"0", b"null"))
    delta = _fields.decode(choice["delta"])
    calls = _list.decode(delta["tool_calls"])
    for call, place in zip(calls, places, strict=True):
        call["index"] = msgspec.Raw(b"%d" % place)
    delta["tool_calls"] = _raw(calls)
    choice["delta"] = _raw(delta)
    return msgspec.json.encode(fields | {"choices": _raw(choices)})


def _raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode(value))
