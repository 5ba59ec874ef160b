"""Errors: says what a model server's error means for us and for the caller."""

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

_OVERFLOW_KINDS = frozenset({"context_length_exceeded", "exceed_context_size_error", "context_exceeded"})
_OVERFLOW_WORDS = re.compile(
    r"context (?:length|size|window)|model length|prompt is too long|configured limit", re.IGNORECASE
)
_LIMIT = re.compile(
    r"(?:context (?:length|size|window)|model length|configured limit)(?: is| of|:)?\s*\(?(\d{1,9})\b"
    r"|> (\d{1,9}) maximum",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\b\d{1,9}\b")
_DATA = b"data:"
_ACCESS_STATUSES = frozenset({401, 402, 403})
_NOT_FOUND = 404
_CALLER_STATUSES = frozenset({400, 413, 421, 422})
_BUSY = 429
_BUSY_STATUSES = frozenset({_BUSY, 529})
_BUSY_KINDS = ("rate_limit", "overloaded", "limitation", "too_many")
_STATUS = re.compile("[45][0-9][0-9]")
_CALLERS_FAULT, _SERVERS_FAULT = 400, 500
_NOTHING: Mapping[str, object] = {}
_any_json = msgspec.json.Decoder(object)


def read_error(status: int, body: bytes, retry_after_s: int | None) -> UpstreamError | CallerError:
    """Say what an answer with an error status means.

    Gives: for 401, 402, 403 and 404 UpstreamRefused, for key, balance, address and model there are the operator's
    affair; for 429 and 529 UpstreamBusy; ContextOverflow where both numbers can be read; for 400, 413, 421 and 422
    InvalidRequest with the server's own words; else UpstreamFailed.
    """
    return _judge(status, _read_fields(body), retry_after_s)


def read_error_in_band(data: bytes) -> UpstreamError | CallerError:
    """Say what an error in the midst of an answer with status 200 means: as `read_error`, by the status it names."""
    fields = _read_fields(data)
    return _judge(_named_status(fields), fields, None)


def _judge(status: int, fields: Mapping[str, object], retry_after_s: int | None) -> UpstreamError | CallerError:
    words = clean_words(_text(fields, "message"))
    if status in _ACCESS_STATUSES:
        return UpstreamRefused(
            f"the model server refused the platform's own access (status {status}); tell its operator"
        )
    if status in _BUSY_STATUSES:
        return UpstreamBusy("the model server takes no more calls now; try again later", retry_after_s=retry_after_s)
    overflow = _read_overflow(fields)
    if overflow is not None:
        return overflow
    if status == _NOT_FOUND:
        return UpstreamRefused(
            f"the model server found nothing (status 404{': ' * bool(words)}{words}); tell its operator"
        )
    if status in _CALLER_STATUSES:
        return InvalidRequest(words or "the model server refused the request", param=_text(fields, "param"))
    reason = f": {words}" if words else ""
    return UpstreamFailed(f"the model server failed with status {status}{reason}", retry_after_s=retry_after_s)


def _read_fields(body: bytes) -> Mapping[str, object]:
    """Read what is told of an error: in `error`, at the top (old vLLM) or in `detail` (FastAPI); else in plain text."""
    body = body.strip().removeprefix(_DATA)
    try:
        told = _any_json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        text = body.decode(errors="replace").strip()
        return _NOTHING if text.startswith("<") else {"message": text}
    if not isinstance(told, dict):
        return _NOTHING
    inner = told.get("error", told.get("detail", told))
    return inner if isinstance(inner, dict) else {"message": inner}


def _text(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""


def _number(fields: Mapping[str, object], name: str) -> int | None:
    value = fields.get(name)
    return value if type(value) is int else None


def _named_status(fields: Mapping[str, object]) -> int:
    """Find the status that an error names: in `code`, else by its type, else 500."""
    code = str(fields.get("code"))
    if _STATUS.fullmatch(code):
        return int(code)
    kind = f"{_text(fields, 'type')} {code}".lower()
    if any(word in kind for word in _BUSY_KINDS):
        return _BUSY
    return _CALLERS_FAULT if "invalid_request" in kind or "badrequest" in kind else _SERVERS_FAULT


def _read_overflow(fields: Mapping[str, object]) -> ContextOverflow | None:
    """Read an overflow of the context, with both numbers; None when it is another error, or they can't be read.

    llama.cpp tells the numbers apart, others in their words. Where the prompt alone would fit and only the output asked
    for does not, the need is what both take together, else one more than there is.
    """
    input_tokens, context_tokens = _number(fields, "n_prompt_tokens"), _number(fields, "n_ctx")
    if input_tokens is not None and context_tokens is not None:
        return ContextOverflow(input_tokens, context_tokens)
    words = _text(fields, "message")
    if not _OVERFLOW_KINDS & {_text(fields, "code"), _text(fields, "type")} and not _OVERFLOW_WORDS.search(words):
        return None
    limit = _LIMIT.search(words)
    if limit is None:
        return None
    context_tokens = int(limit[1] or limit[2])
    needed_tokens = max(int(number) for number in _NUMBER.findall(words))
    return ContextOverflow(max(needed_tokens, context_tokens + 1), context_tokens)
