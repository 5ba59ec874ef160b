"""Call places: gives each tool call of a relayed stream an index of its own, and an id.

Callers put calls together by their index alone, and answer them by their id. Some servers leave either out, or give two
calls the same index.
"""

from setaria.core.ids import new_tool_call_id
from setaria.wire.openai_chat.client.call_match import find_call
from setaria.wire.openai_chat.client.chunk import CallPiece, is_present
from setaria.wire.openai_chat.client.rewritten import ShownCall


class _PlacedCall:
    """A call as far as the relay needs to know it; implements `KnownCall`."""

    __slots__ = ("has_arguments", "has_our_id", "id", "index", "is_whole", "name", "place")

    def __init__(self, index: int | None, place: int) -> None:
        self.index = index
        self.place = place
        self.id = self.name = ""
        self.has_arguments = False
        self.has_our_id = False
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

    def place(self, piece: CallPiece) -> ShownCall | None:
        """Say how a piece is to be shown; None: as it came.

        Its index is the server's own, unless another call has it. A call whose name or arguments come before an id gets
        one of ours, and none that the server sends later: callers would put both together.
        """
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
        shown_id = _show_id(call, call_id)
        return None if call.place == piece.index and shown_id is None else ShownCall(call.place, shown_id)

    def _free_place(self, index: int | None) -> int:
        taken = {call.place for call in self._calls}
        return index if index is not None and index not in taken else max(taken, default=-1) + 1


def _show_id(call: _PlacedCall, told_id: str) -> str | None:
    if call.has_our_id:
        return "" if told_id else None
    if call.id or not (call.name or call.has_arguments):
        return None
    call.has_our_id = True
    return new_tool_call_id()
