"""Unread: whether a client still takes what was written to it."""

READ_TIMEOUT_S = 120.0


class Unread:
    """Watches the bytes that wait for a client; what it takes of them starts its time anew."""

    __slots__ = ("_since_s", "_size_bytes")

    def __init__(self) -> None:
        self._size_bytes = 0
        self._since_s = 0.0

    def is_stuck(self, size_bytes: int, now_s: float) -> bool:
        """Tell whether nothing of what waits was taken for too long.

        Takes: size_bytes, what waits now; 0 where nothing does, or where more may be written at any time.
        """
        if size_bytes < self._size_bytes or not self._size_bytes:
            self._since_s = now_s
        self._size_bytes = size_bytes
        return size_bytes > 0 and now_s - self._since_s >= READ_TIMEOUT_S


def send_nowhere(data: bytes) -> None:
    """Drop what can't be sent any more."""
