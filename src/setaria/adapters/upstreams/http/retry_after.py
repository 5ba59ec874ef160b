"""Retry-After: reads how long a server wants to be left alone."""

import email.utils
import math
from collections.abc import Sequence

from setaria.adapters.upstreams.http.request import Header

LONGEST_S = 24 * 3600


def read_retry_after(headers: Sequence[Header], now_ms: int) -> int | None:
    """Give the seconds of a `Retry-After` header, rounded up, from 0 to a day; None without a readable one.

    Takes: now_ms, the moment against which a date counts.
    Example: `1.2` gives 2; a date in the past gives 0; `soon` gives None.
    Source: RFC 9110 section 10.2.3, read November 2026.
    """
    text = next((value for name, value in headers if name.lower() == b"retry-after"), b"").decode("latin-1").strip()
    try:
        seconds = float(text)
    except ValueError:
        seconds = _seconds_until(text, now_ms)
    return None if math.isnan(seconds) else math.ceil(min(max(seconds, 0.0), LONGEST_S))


def _seconds_until(date: str, now_ms: int) -> float:
    try:
        return email.utils.parsedate_to_datetime(date).timestamp() - now_ms / 1000
    except (ValueError, OverflowError):
        return math.nan
