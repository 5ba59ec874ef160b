"""Known request: a head that a client has sent on a connection, and what it says but for its length.

A request that comes at once with such a head, while nothing else is under way, need not go through the connection's
parser, which would be afterwards as it was before.
"""

from typing import NamedTuple

import msgspec

from setaria.entrypoints.api.head import RequestHead
from setaria.wire.http_head import KnownHead, learn_head

MOST_SHARED = 1000

_LENGTH = b"content-length"


class KnownRequest(NamedTuple):
    """The bytes of the head, and the request."""

    head: KnownHead
    request: RequestHead

    def request_of(self, size_bytes: int) -> RequestHead:
        """Give the request with a body of so many bytes."""
        if self.request.content_length == size_bytes:
            return self.request
        return msgspec.structs.replace(self.request, content_length=size_bytes)


def learn_request(data: bytes, request: RequestHead, known: dict[KnownHead, KnownRequest]) -> KnownRequest | None:
    """Learn the head of a request that came at once and was found good; None when it can't come again like this.

    Takes: data, all bytes of the request and no others; known, what was learned on other connections, of which many
    have the same head: it is kept once.
    """
    if not request.keep_alive or request.content_length is None:
        return None
    head = learn_head(data)
    if head is None:
        return None
    if head not in known:
        if len(known) >= MOST_SHARED:
            known.clear()
        headers = tuple(field for field in request.headers if field[0].lower() != _LENGTH)
        known[head] = KnownRequest(head, msgspec.structs.replace(request, headers=headers))
    return known[head]
