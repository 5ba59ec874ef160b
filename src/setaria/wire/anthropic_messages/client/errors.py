"""Errors: reads what a model server says when it does not answer."""

import re
from collections.abc import Mapping

import msgspec

from setaria.core.errors import (
    CallerError,
    ContextOverflow,
    InvalidRequest,
    UpstreamBusy,
    UpstreamError,
    UpstreamFailed,
    UpstreamRefused,
)
from setaria.wire.foreign_words import clean_words

_STATUS_OF: Mapping[str, int] = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "limitation": 429,  # the reference platform
    "overloaded_error": 529,
}
_STATUS = re.compile("[45][0-9][0-9]")
_FAULT_STATUS = 500
_BUSY = frozenset({"overloaded_error", "rate_limit_error"})
_BUSY_STATUS = 429
_BUSY_STATUSES = frozenset({429, 529})
_ACCESS_STATUSES = frozenset({401, 402, 403})
_NOT_FOUND = 404
_CALLERS_STATUSES = frozenset({400, 413, 421, 422})

# How servers of this protocol say that a prompt is too long; what was asked as output counts where they add it.
_OVERFLOWS = tuple(
    re.compile(pattern, re.DOTALL)
    for pattern in (
        r"prompt is too long: (?P<input>\d+) tokens > (?P<limit>\d+)",
        r"exceed context limit: (?P<input>\d+) \+ (?P<output>\d+) > (?P<limit>\d+)",
        r"maximum context length (?:is|of) (?P<limit>\d+) tokens.*total of (?:at least )?(?P<input>\d+)",
        r"too large: (?P<output>\d+).*maximum context length is (?P<limit>\d+) tokens.* has (?P<input>\d+) input",
        r"maximum context length is (?P<limit>\d+) tokens.*?(?:requested|resulted in|has) (?P<input>\d+)",
        r"passed (?P<input>\d+) input tokens and requested (?P<output>\d+).*context length is only (?P<limit>\d+)",
        r"input \((?P<input>\d+) tokens\) is longer than the model's context length \((?P<limit>\d+)",
        r"request \((?P<input>\d+) tokens\) exceeds the available context size \((?P<limit>\d+)",
    )
)
_decode = msgspec.json.Decoder().decode


def read_error(status: int, body: bytes, retry_after_s: int | None) -> UpstreamError | CallerError:
    """Say what an answer with an error status means for us and for the caller; see `UpstreamCodec.read_error`."""
    try:
        fields = _decode(body)
    except (ValueError, RecursionError):
        fields = None
    told = fields.get("error") or fields if isinstance(fields, dict) else None
    kind, words = _read_detail(told)
    return _judge(_BUSY_STATUS if kind in _BUSY else status, words, retry_after_s)


def read_told_error(error: object) -> UpstreamError | CallerError:
    """Say what an error means that is told in place of an answer, or within one."""
    kind, words = _read_detail(error)
    code = str(error.get("code")) if isinstance(error, dict) else ""
    status = int(code) if _STATUS.fullmatch(code) else _STATUS_OF.get(kind, _FAULT_STATUS)
    return _judge(status, words, None)


def _judge(status: int, words: str, retry_after_s: int | None) -> UpstreamError | CallerError:
    if status in _ACCESS_STATUSES:
        return UpstreamRefused(
            f"the model server refused the platform's own access (status {status}); tell its operator"
        )
    overflow = _read_overflow(words)
    if overflow is not None:
        return overflow
    shown = f": {words}" if words else ""
    if status in _BUSY_STATUSES:
        return UpstreamBusy(f"the model server is busy{shown}", retry_after_s=retry_after_s)
    if status == _NOT_FOUND:
        return UpstreamRefused(f"the model server found nothing (status 404{shown}); tell its operator")
    if status in _CALLERS_STATUSES:
        return InvalidRequest(words or f"the model server refused the request (status {status})")
    return UpstreamFailed(f"the model server failed (status {status}){shown}", retry_after_s=retry_after_s)


def _read_detail(detail: object) -> tuple[str, str]:
    """Read an error's kind and words, which some servers put under other names; both empty where there are none."""
    if not isinstance(detail, dict):
        detail = {"message": detail}
    kind = detail.get("type")
    words = next((text for name in ("message", "detail") if isinstance(text := detail.get(name), str)), "")
    return kind if isinstance(kind, str) else "", clean_words(words)


def _read_overflow(words: str) -> ContextOverflow | None:
    """Read both numbers out of the words for a prompt that is too long; None when they are others."""
    for pattern in _OVERFLOWS:
        found = pattern.search(words)
        if found is not None:
            counts = found.groupdict()
            return ContextOverflow(int(counts["input"]) + int(counts.get("output") or 0), int(counts["limit"]))
    return None
