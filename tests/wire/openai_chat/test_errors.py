"""Errors: every kind has its status, type and code."""

from collections.abc import Iterator

import msgspec
import pytest

from setaria.core.errors import (
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
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
    WrongLane,
    WrongMethod,
)
from setaria.core.ids import CallId
from setaria.wire.openai_chat import OpenAIChat
from setaria.wire.openai_chat.errors import KINDS

ERRORS: list[tuple[SetariaError, int, str]] = [
    (InvalidRequest("no"), 400, "invalid_request_error"),
    (ContextOverflow(9000, 8192), 400, "invalid_request_error"),
    (Unauthenticated("no"), 401, "invalid_key"),
    (Forbidden("no"), 403, "permission_error"),
    (UnknownPath("no"), 404, "not_found_error"),
    (UnknownModel("MIMO"), 400, "invalid_request_error"),
    (NotFound("no"), 404, "not_found_error"),
    (WrongMethod("PUT", "/v1/models", "GET"), 405, "invalid_request_error"),
    (SlowRequest("no"), 408, "timeout_error"),
    (TooLarge("no"), 413, "request_too_large"),
    (HeadersTooLarge("no"), 431, "request_too_large"),
    (WrongLane("no"), 401, "invalid_key"),
    (OutOfFunds("no"), 402, "insufficient_balance"),
    (FundsHeld("no"), 429, "funds_held"),
    (PlanExpired("no"), 401, "plan_expired"),
    (QuotaExhausted("no"), 429, "quota_exhausted"),
    (Limited("no"), 429, "limitation"),
    (UpstreamFailed("no"), 502, "upstream_error"),
    (UpstreamRefused("no"), 502, "upstream_error"),
    (UpstreamCut("no"), 502, "upstream_error"),
    (UpstreamBusy("no"), 429, "limitation"),
    (UpstreamTimeout("no"), 504, "timeout_error"),
    (Unavailable("no"), 503, "unavailable"),
    (Misconfigured("no"), 500, "server_error"),
    (InternalError("no"), 500, "server_error"),
]


def write(error: SetariaError) -> tuple[int, dict[str, str | None]]:
    """Write an error and read its body back."""
    status, body = OpenAIChat().write_error(error, CallId("0" * 32))
    whole = msgspec.json.decode(body)
    assert list(whole) == ["error"]
    return status, whole["error"]


def descend(kind: type[SetariaError]) -> Iterator[type[SetariaError]]:
    """Give a kind of error and all kinds below it."""
    yield kind
    for child in kind.__subclasses__():
        yield from descend(child)


def test_the_map_is_total() -> None:
    """Each kind of error in the tree has its own line in the map, and the map knows no others."""
    assert set(KINDS) == {kind for kind in descend(SetariaError) if kind.__module__ == SetariaError.__module__}


def test_the_table_is_total() -> None:
    """Each kind that can happen is tried below."""
    leaves = {kind for kind in KINDS if not any(other is not kind and issubclass(other, kind) for other in KINDS)}
    assert leaves <= {type(error) for error, _, _ in ERRORS} <= KINDS.keys()


@pytest.mark.parametrize("error, status, name", ERRORS)
def test_an_error_is_told(error: SetariaError, status: int, name: str) -> None:
    """Status and type are the kind's; the code is a string."""
    told, shape = write(error)
    assert (told, shape["type"]) == (status, name)
    assert isinstance(shape["code"], str)
    assert list(shape) == ["message", "type", "param", "code"]


def test_the_code_is_the_status() -> None:
    """Clients of the reference platform find the status in the code, as text."""
    assert write(Limited("Too many requests", retry_after_s=3))[1] == {
        "message": "Too many requests",
        "type": "limitation",
        "param": None,
        "code": "429",
    }


def test_a_context_overflow_is_told_in_the_words_that_clients_know() -> None:
    """Clients read both numbers from the message, and the code tells them to make the conversation shorter."""
    assert write(ContextOverflow(9000, 8192))[1] == {
        "message": "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
        " Please reduce the length of the messages.",
        "type": "invalid_request_error",
        "param": "messages",
        "code": "context_length_exceeded",
    }


def test_an_unknown_model_names_the_field_and_the_nearest() -> None:
    """The caller sees which field is at fault and what it may have meant."""
    assert write(UnknownModel("Seedling", "seedling"))[1] == {
        "message": "Unsupported model Seedling; did you mean seedling?",
        "type": "invalid_request_error",
        "param": "model",
        "code": "400",
    }


class Unheard(Limited):
    """A kind of error that the map does not know."""


def test_a_new_kind_is_told_as_the_one_it_descends_from() -> None:
    """A kind below a known one needs no line of its own to get a sensible status."""
    assert write(Unheard("no"))[0] == 429
