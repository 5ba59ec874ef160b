"""Errors: gives each kind of error its status and body in this protocol.

The body is `{"error": {"message", "type", "param", "code"}}`. `code` is always a string: the status, but for an
overflow of the context, which clients know by its code and its words.
"""

from collections.abc import Mapping

import msgspec

from setaria.core.errors import (
    CallerError,
    ContextOverflow,
    Forbidden,
    FundsHeld,
    HeadersTooLarge,
    InternalError,
    InvalidRequest,
    Limited,
    Misconfigured,
    NotFound,
    OutOfFunds,
    OwnError,
    PlanExpired,
    QuotaExhausted,
    SetariaError,
    SlowRequest,
    TooLarge,
    Unauthenticated,
    Unavailable,
    UnknownModel,
    UnknownPath,
    UpstreamBusy,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
    WrongLane,
    WrongMethod,
)


class Kind(msgspec.Struct, frozen=True):
    """How a kind of error is told."""

    status: int
    type: str


KINDS: Mapping[type[SetariaError], Kind] = {
    SetariaError: Kind(500, "server_error"),
    CallerError: Kind(400, "invalid_request_error"),
    InvalidRequest: Kind(400, "invalid_request_error"),
    ContextOverflow: Kind(400, "invalid_request_error"),
    Unauthenticated: Kind(401, "invalid_key"),
    WrongLane: Kind(401, "invalid_key"),
    Forbidden: Kind(403, "permission_error"),
    UnknownPath: Kind(404, "not_found_error"),
    UnknownModel: Kind(400, "invalid_request_error"),
    NotFound: Kind(404, "not_found_error"),
    WrongMethod: Kind(405, "invalid_request_error"),
    SlowRequest: Kind(408, "timeout_error"),
    TooLarge: Kind(413, "request_too_large"),
    HeadersTooLarge: Kind(431, "request_too_large"),
    OutOfFunds: Kind(402, "insufficient_balance"),
    FundsHeld: Kind(429, "funds_held"),
    PlanExpired: Kind(401, "plan_expired"),
    QuotaExhausted: Kind(429, "quota_exhausted"),
    Limited: Kind(429, "limitation"),
    UpstreamError: Kind(502, "upstream_error"),
    UpstreamFailed: Kind(502, "upstream_error"),
    UpstreamRefused: Kind(502, "upstream_error"),
    UpstreamCut: Kind(502, "upstream_error"),
    UpstreamBusy: Kind(429, "limitation"),
    UpstreamTimeout: Kind(504, "timeout_error"),
    OwnError: Kind(500, "server_error"),
    Unavailable: Kind(503, "unavailable"),
    Misconfigured: Kind(500, "server_error"),
    InternalError: Kind(500, "server_error"),
}


class ErrorShape(msgspec.Struct, frozen=True):
    """The `error` object; `param` is null when no field is at fault."""

    message: str
    type: str
    param: str | None
    code: str


class ErrorBody(msgspec.Struct, frozen=True):
    """The whole body."""

    error: ErrorShape


def error_status(error: SetariaError) -> int:
    """Give the HTTP status of an error."""
    return _find_kind(error).status


def write_error(error: SetariaError) -> bytes:
    """Write the JSON body of an error."""
    kind = _find_kind(error)
    message, code = error.message, str(kind.status)
    if isinstance(error, ContextOverflow):
        message, code = _overflow_message(error), "context_length_exceeded"
    return msgspec.json.encode(ErrorBody(ErrorShape(message, kind.type, error.param or None, code)))


def _find_kind(error: SetariaError) -> Kind:
    """Find the kind of the error's class, or of the nearest class that it descends from."""
    return next(KINDS[ancestor] for ancestor in type(error).__mro__ if ancestor in KINDS)


def _overflow_message(error: ContextOverflow) -> str:
    return (
        f"This model's maximum context length is {error.context_tokens} tokens. However, your messages resulted in "
        f"{error.input_tokens} tokens. Please reduce the length of the messages."
    )
