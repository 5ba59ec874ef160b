"""Errors: gives each kind of error the protocol's status and body."""

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
from setaria.core.ids import CallId

# Status and type of a class, or of the nearest one that it descends from.
# Clients parse the words of ContextOverflow: `prompt is too long: N tokens > M maximum`.
_FORMS: Mapping[type[SetariaError], tuple[int, str]] = {
    InvalidRequest: (400, "invalid_request_error"),
    ContextOverflow: (400, "invalid_request_error"),
    Unauthenticated: (401, "authentication_error"),
    WrongLane: (401, "authentication_error"),
    Forbidden: (403, "permission_error"),
    UnknownPath: (404, "not_found_error"),
    UnknownModel: (404, "not_found_error"),
    NotFound: (404, "not_found_error"),
    WrongMethod: (405, "invalid_request_error"),
    SlowRequest: (408, "timeout_error"),
    TooLarge: (413, "request_too_large"),
    HeadersTooLarge: (431, "request_too_large"),
    OutOfFunds: (402, "billing_error"),
    FundsHeld: (429, "funds_held"),
    PlanExpired: (401, "plan_expired"),
    QuotaExhausted: (429, "quota_exhausted"),
    Limited: (429, "rate_limit_error"),
    UpstreamFailed: (502, "api_error"),
    UpstreamRefused: (502, "api_error"),
    UpstreamCut: (502, "api_error"),
    UpstreamBusy: (429, "rate_limit_error"),
    UpstreamTimeout: (504, "timeout_error"),
    Unavailable: (503, "overloaded_error"),
    Misconfigured: (500, "api_error"),
    InternalError: (500, "api_error"),
    CallerError: (400, "invalid_request_error"),
    UpstreamError: (502, "api_error"),
    OwnError: (500, "api_error"),
    SetariaError: (500, "api_error"),
}
_encode = msgspec.json.Encoder().encode


class ErrorDetail(msgspec.Struct, frozen=True):
    """What went wrong."""

    type: str
    message: str


class ErrorFields(msgspec.Struct, frozen=True, tag="error"):
    """An error as the body of an answer or the data of a stream's event."""

    error: ErrorDetail
    request_id: str


def write_error(error: SetariaError, call_id: CallId) -> tuple[int, bytes]:
    """Give an error's HTTP status and JSON body.

    The protocol has no place for the field at fault, so the message begins with it unless it names it anyway.
    """
    status, kind = next(_FORMS[ancestor] for ancestor in type(error).__mro__ if ancestor in _FORMS)
    message = error.message
    if isinstance(error, InvalidRequest) and error.param not in message:
        message = f"{error.param}: {message}"
    return status, _encode(ErrorFields(ErrorDetail(kind, message), call_id))
