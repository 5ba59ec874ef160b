"""Server errors: each answer with an error status says whose affair it is, in words that can be handed on."""

import json

import pytest

from setaria.core.errors import ContextOverflow, InvalidRequest, UpstreamBusy, UpstreamFailed, UpstreamRefused
from tests.wire.anthropic_messages.client.serving import UPSTREAM


def error(kind: str, message: str) -> bytes:
    """Write an error in the protocol's form."""
    return json.dumps({"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_1"}).encode()


@pytest.mark.parametrize(
    "status, body, kind, words",
    [
        (400, error("invalid_request_error", "tools.0: Input should be"), InvalidRequest, "tools.0: Input should be"),
        (404, error("not_found_error", "model: claude-y"), UpstreamRefused, "404: model: claude-y); tell its operator"),
        (413, error("request_too_large", "Request exceeds the maximum size"), InvalidRequest, "maximum size"),
        (421, b'{"error":{"code":"421","message":"Moderation Block"}}', InvalidRequest, "Moderation Block"),
        (422, b'{"detail":"field required"}', InvalidRequest, "field required"),
        (400, b'{"error":"no such thing"}', InvalidRequest, "no such thing"),
        (400, b"", InvalidRequest, "status 400"),
        (400, b"<html>", InvalidRequest, "status 400"),
        (400, b"[1]", InvalidRequest, "status 400"),
        (400, b'{"error":{"message":3}}', InvalidRequest, "status 400"),
        (401, error("authentication_error", "invalid x-api-key sk-ant-123456789"), UpstreamRefused, "operator"),
        (402, error("billing_error", "Your credit balance is too low"), UpstreamRefused, "operator"),
        (403, error("permission_error", "not allowed"), UpstreamRefused, "operator"),
        (429, error("rate_limit_error", "Number of request tokens"), UpstreamBusy, "busy: Number of request tokens"),
        (429, b"", UpstreamBusy, "busy"),
        (529, error("overloaded_error", "Overloaded"), UpstreamBusy, "Overloaded"),
        (503, error("overloaded_error", "Overloaded"), UpstreamBusy, "Overloaded"),
        (500, error("api_error", "Internal server error"), UpstreamFailed, "Internal server error"),
        (503, b"no healthy upstream", UpstreamFailed, "status 503"),
        (405, b"", UpstreamFailed, "status 405"),
        (302, b"", UpstreamFailed, "status 302"),
    ],
)
def test_whose_affair_an_error_is(status: int, body: bytes, kind: type[Exception], words: str) -> None:
    """The status tells the kind; the server's words are told where the caller can use them."""
    found = UPSTREAM.read_error(status, body, 7)
    assert type(found) is kind
    assert words in found.message
    assert (7 if kind is UpstreamBusy else found.retry_after_s) == found.retry_after_s


@pytest.mark.parametrize(
    "message, expected",
    [
        ("prompt is too long: 208423 tokens > 200000 maximum", (208423, 200000)),
        ("input length and `max_tokens` exceed context limit: 178959 + 64000 > 200000, decrease", (242959, 200000)),
        (
            (
                "This model's maximum context length is 16384 tokens. However, you requested 122946 tokens (112946 in "
                "the messages, 10000 in the completion). Please reduce the length"
            ),
            (122946, 16384),
        ),
        (
            (
                "This model's maximum context length is 4096 tokens. However, you requested 10 output tokens and your "
                "prompt contains at least 4087 input tokens, for a total of at least 4097 tokens."
            ),
            (4097, 4096),
        ),
        (
            "This model's maximum context length is 1536 tokens. However, your request has 4176 input tokens.",
            (4176, 1536),
        ),
        (
            (
                "'max_tokens' or 'max_completion_tokens' is too large: 8000. This model's maximum context length is "
                "4096 tokens and your request has 2778 input tokens (8000 > 4096 - 2778)."
            ),
            (10778, 4096),
        ),
        (
            (
                "You passed 4097 input tokens and requested 1 output tokens. However, the model's context length is "
                "only 4097 tokens, resulting in a maximum input length of 4096 tokens."
            ),
            (4098, 4097),
        ),
        ("The input (123 tokens) is longer than the model's context length (100 tokens).", (123, 100)),
        (
            (
                "Requested token count exceeds the model's maximum context length of 8192 tokens. You requested a "
                "total of 9000 tokens: 5000 tokens from the input messages and 4000 tokens for the completion."
            ),
            (9000, 8192),
        ),
        ("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", (5000, 4096)),
    ],
)
def test_a_prompt_that_is_too_long(message: str, expected: tuple[int, int]) -> None:
    """However a server says it, both numbers are read, so that the caller can be told in the words that it parses."""
    found = UPSTREAM.read_error(400, error("invalid_request_error", message), None)
    assert isinstance(found, ContextOverflow)
    assert expected == (found.input_tokens, found.context_tokens)


def test_words_are_cut_and_clean() -> None:
    """Words are cut to 500 characters, and nothing that looks like a key is among them."""
    found = UPSTREAM.read_error(400, error("x", "bad key sk-ant-REDACTED " + "x " * 600), None)
    assert "sk-ant" not in found.message
    assert len(found.message) <= 500


@pytest.mark.parametrize(
    "key, expected",
    [
        ("", ((b"anthropic-version", b"2023-06-01"),)),
        ("sk-1", ((b"x-api-key", b"sk-1"), (b"anthropic-version", b"2023-06-01"))),
    ],
)
def test_headers(key: str, expected: tuple[tuple[bytes, bytes], ...]) -> None:
    """The version is always told, a key where there is one."""
    assert expected == UPSTREAM.headers(key)
