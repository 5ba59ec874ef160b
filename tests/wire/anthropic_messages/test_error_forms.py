"""Error forms: each kind of error has its status and its words in the protocol."""

import json
from collections.abc import Iterator

import pytest

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
from tests.wire.anthropic_messages.asking import CALL_ID, CODEC

TABLE = [
    (InvalidRequest("a is missing", param="a"), 400, "invalid_request_error", "a is missing"),
    (InvalidRequest("must be short", param="messages.0"), 400, "invalid_request_error", "messages.0: must be short"),
    (InvalidRequest("two keys were sent"), 400, "invalid_request_error", "two keys were sent"),
    (ContextOverflow(9, 8), 400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum"),
    (Unauthenticated("no key"), 401, "authentication_error", "no key"),
    (Forbidden("suspended"), 403, "permission_error", "suspended"),
    (UnknownPath("no such route"), 404, "not_found_error", "no such route"),
    (UnknownModel("sedling", "seedling"), 404, "not_found_error", "Unsupported model sedling; did you mean seedling?"),
    (NotFound("no such account"), 404, "not_found_error", "no such account"),
    (WrongMethod("GET", "/a", "POST"), 405, "invalid_request_error", "GET is not allowed on /a; allowed: POST"),
    (SlowRequest("too slow"), 408, "timeout_error", "too slow"),
    (TooLarge("too large", param="messages"), 413, "request_too_large", "too large"),
    (HeadersTooLarge("headers too large"), 431, "request_too_large", "headers too large"),
    (WrongLane("other lane"), 401, "authentication_error", "other lane"),
    (OutOfFunds("no money"), 402, "billing_error", "no money"),
    (FundsHeld("held", retry_after_s=1), 429, "funds_held", "held"),
    (PlanExpired("ended"), 401, "plan_expired", "ended"),
    (QuotaExhausted("used up", retry_after_s=5), 429, "quota_exhausted", "used up"),
    (Limited("too many", retry_after_s=3), 429, "rate_limit_error", "too many"),
    (UpstreamFailed("failed"), 502, "api_error", "failed"),
    (UpstreamRefused("refused"), 502, "api_error", "refused"),
    (UpstreamCut("cut"), 502, "api_error", "cut"),
    (UpstreamBusy("busy", retry_after_s=1), 429, "rate_limit_error", "busy"),
    (UpstreamTimeout("silent"), 504, "timeout_error", "silent"),
    (Unavailable("away"), 503, "overloaded_error", "away"),
    (Misconfigured("no key file"), 500, "api_error", "no key file"),
    (InternalError("defect"), 500, "api_error", "defect"),
    (CallerError("yours"), 400, "invalid_request_error", "yours"),
    (UpstreamError("theirs"), 502, "api_error", "theirs"),
    (OwnError("ours"), 500, "api_error", "ours"),
    (SetariaError("whose"), 500, "api_error", "whose"),
]


def descend(kind: type[SetariaError]) -> Iterator[type[SetariaError]]:
    """Give a class and all that descend from it."""
    yield kind
    for child in kind.__subclasses__():
        yield from descend(child)


@pytest.mark.parametrize("error, status, kind, message", TABLE)
def test_errors_have_their_form(error: SetariaError, status: int, kind: str, message: str) -> None:
    """An error has its status, and a body with its type, its message and the call's id."""
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": CALL_ID}
    given = CODEC.write_error(error, CALL_ID)
    assert (status, body) == (given[0], json.loads(given[1]))


def test_no_kind_of_error_is_left_out() -> None:
    """The table above, and so the form of errors, knows each class of the tree."""
    ours = {kind for kind in descend(SetariaError) if kind.__module__ == SetariaError.__module__}
    assert ours == {type(error) for error, *_ in TABLE}
