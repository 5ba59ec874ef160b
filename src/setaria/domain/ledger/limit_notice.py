"""Limit notice: what a caller's limits of a minute are, and what is left, as the clients of both protocols read it."""

import functools

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.domain.ledger.leases import MINUTE_MS

_CUT = "\0"


class MinuteLimits(msgspec.Struct, frozen=True, gc=False):
    """The limits of a minute, and what of them is left at a moment of it, as this worker last knew."""

    rpm: int
    requests_left: int
    tpm: int
    tokens_left: int
    now_ms: int


def limit_headers(what: str, limit: int, left: str, now_ms: int) -> tuple[tuple[str, str], ...]:
    """Tell a limit of a minute in headers.

    Takes: what, `requests` or `tokens`.
    """
    wait_ms = MINUTE_MS - now_ms % MINUTE_MS
    return (
        (f"x-ratelimit-limit-{what}", str(limit)),
        (f"x-ratelimit-remaining-{what}", left),
        (f"x-ratelimit-reset-{what}", f"{-(-wait_ms // 1000)}s"),
        (f"anthropic-ratelimit-{what}-limit", str(limit)),
        (f"anthropic-ratelimit-{what}-remaining", left),
        (f"anthropic-ratelimit-{what}-reset", iso_from_ms(now_ms + wait_ms)),
    )


def write_limits(limits: MinuteLimits) -> str:
    """Write limits as lines of an answer's head.

    Cost: hot path; 1 us, for within a second only what is left is new.
    """
    requests, tokens = max(limits.requests_left, 0), max(limits.tokens_left, 0)
    first, second, third, fourth, last = _pieces(limits.rpm, limits.tpm, limits.now_ms // 1000)
    return f"{first}{requests}{second}{requests}{third}{tokens}{fourth}{tokens}{last}"


@functools.lru_cache(maxsize=64)
def _pieces(rpm: int, tpm: int, now_s: int) -> tuple[str, ...]:
    """Write the lines of one second, cut where it is said what is left."""
    now_ms = now_s * 1000
    headers = limit_headers("requests", rpm, _CUT, now_ms) + limit_headers("tokens", tpm, _CUT, now_ms)
    return tuple("".join([f"{name}: {value}\r\n" for name, value in headers]).split(_CUT))
