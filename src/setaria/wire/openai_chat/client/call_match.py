"""Call match: finds the tool call that a piece belongs to, however a server tells.

Theory. A piece belongs to a call by its index and id together. Servers leave out the index, give all calls the same
one, repeat id and name in every piece, make up a new id for every piece, or split the name. So:

    piece with the id of a call of that index    that call; unless it names another function after arguments came
    piece with a new id and a name               a new call, unless the latest call has no id yet and no arguments
    piece with a new id and no name              the latest call of that index
    piece without id, with a name                the latest call, if its name may go on or is repeated; else a new one
    piece without id and name                    the latest call of that index
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar


class KnownCall(Protocol):
    """A call of which pieces have come."""

    index: int | None
    id: str
    name: str

    @property
    def has_arguments(self) -> bool:
        """Whether arguments have come."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether its arguments have come to an end."""
        ...


T = TypeVar("T", bound=KnownCall)


def find_call(calls: Sequence[T], index: int | None, call_id: str, name: str) -> T | None:
    """Find the call that a piece with this index, id and name belongs to; None when it begins one."""
    candidates = [call for call in calls if index in (None, call.index)]
    for call in reversed(candidates if call_id else ()):
        if call.id == call_id:
            return None if name and call.has_arguments and name != call.name else call
    latest = candidates[-1] if candidates else None
    if latest is None or not name:
        return latest
    if call_id:
        is_same = not latest.id and not latest.has_arguments
    elif latest.has_arguments:
        is_same = name == latest.name and not latest.is_whole
    else:
        is_same = index is not None or not latest.name
    return latest if is_same else None
