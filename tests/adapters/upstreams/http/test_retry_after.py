"""Retry-After: every form that servers write it in."""

import pytest

from setaria.adapters.upstreams.http.retry_after import read_retry_after

NOW_MS = 1_795_392_000_000  # 2026-11-23T00:00:00Z


@pytest.mark.parametrize(
    "value, expected",
    [
        (b"3", 3),
        (b" 0 ", 0),
        (b"1.2", 2),
        (b"-5", 0),
        (b"9999999999", 86_400),
        (b"inf", 86_400),
        (b"nan", None),
        (b"soon", None),
        (b"", None),
        (b"\xff", None),
        (b"Mon, 23 Nov 2026 00:00:07 GMT", 7),
        (b"Mon, 23 Nov 2026 01:00:07 +0100", 7),
        (b"Sun, 22 Nov 2026 00:00:00 GMT", 0),
        (b"Mon, 99 Nov 2026 00:00:00 GMT", None),
    ],
)
def test_retry_after(value: bytes, expected: int | None) -> None:
    """Seconds and dates are read, from now to a day; anything else is none."""
    assert read_retry_after([(b"Server", b"x"), (b"Retry-After", value)], NOW_MS) == expected


def test_no_retry_after() -> None:
    """A server that does not say gives none."""
    assert read_retry_after([(b"server", b"3")], NOW_MS) is None
