"""Errors: what the error answers of real servers mean for us and for the caller."""

import json

import pytest

from setaria.core.errors import (
    ContextOverflow,
    InvalidRequest,
    SetariaError,
    UpstreamBusy,
    UpstreamFailed,
    UpstreamRefused,
)
from setaria.wire.openai_chat.client import OpenAIUpstream
from setaria.wire.openai_chat.client.errors import read_error_in_band


def told(message: object, **fields: object) -> bytes:
    """Write an error as most servers do."""
    return json.dumps({"error": {"message": message, **fields}}).encode()


LENGTH = "This model's maximum context length is 4096 tokens. However, "
SGLANG = (
    b'{"object":"error","message":"The input (5000 tokens) is longer than the model\'s context length (4096 tokens).",'
    b'"type":"BadRequestError","code":400}'
)
OVERFLOWS = {
    "OpenAI": (
        400,
        told(LENGTH + "your messages resulted in 5000 tokens.", code="context_length_exceeded"),
        5000,
        4096,
    ),
    "OpenAI, newer": (
        400,
        told("Input tokens exceed the configured limit of 4096 tokens. Your messages resulted in 5000 tokens."),
        5000,
        4096,
    ),
    "vLLM": (
        400,
        told(
            LENGTH + "you requested 600 output tokens and your prompt contains at least 4000 input tokens, "
            "for a total of at least 4600 tokens.",
            type="BadRequestError",
        ),
        4600,
        4096,
    ),
    "vLLM and DeepSeek": (
        400,
        told(LENGTH + "you requested 5000 tokens (4000 in the messages, 1000 in the completion)."),
        5000,
        4096,
    ),
    "vLLM, the output alone too long": (
        400,
        told(
            "'max_tokens' or 'max_completion_tokens' is too large: 4096. This model's maximum context length is 4096 "
            "tokens and your request has 20 input tokens (4096 > 4096 - 20)."
        ),
        4097,
        4096,
    ),
    "vLLM, the prompt": (
        400,
        told("The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
        5000,
        4096,
    ),
    "SGLang": (400, SGLANG, 5000, 4096),
    "llama.cpp": (
        400,
        told("too long", code=400, type="exceed_context_size_error", n_prompt_tokens=5000, n_ctx=4096),
        5000,
        4096,
    ),
    "llama.cpp, older": (
        500,
        told("request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it"),
        5000,
        4096,
    ),
    "Setaria": (400, told("prompt is too long: 5000 tokens > 4096 maximum"), 5000, 4096),
    "the code alone, its words without numbers of a context": (
        400,
        told("5000 tokens > 4096 maximum", code="context_length_exceeded"),
        5000,
        4096,
    ),
}


@pytest.mark.parametrize("status, body, needed, limit", OVERFLOWS.values(), ids=list(OVERFLOWS))
def test_an_overflow_is_told_with_both_numbers(status: int, body: bytes, needed: int, limit: int) -> None:
    """Whichever server says it, clients get the words that they parse."""
    error = OpenAIUpstream().read_error(status, body, None)
    assert isinstance(error, ContextOverflow)
    assert (error.input_tokens, error.context_tokens) == (needed, limit)


@pytest.mark.parametrize(
    "status, body, kind, message, param",
    [
        (400, told("bad temperature", param="temperature"), InvalidRequest, "bad temperature", "temperature"),
        (400, told("the context length is wrong"), InvalidRequest, "the context length is wrong", ""),
        (404, b"", UpstreamRefused, "the model server found nothing (status 404); tell its operator", ""),
        (
            404,
            b'{"detail":"Not Found"}',
            UpstreamRefused,
            "the model server found nothing (status 404: Not Found); tell its operator",
            "",
        ),
        (422, b'{"detail":[{"loc":["body"]}]}', InvalidRequest, "the model server refused the request", ""),
        (413, b"too   large\nindeed", InvalidRequest, "too large indeed", ""),
        (421, b'data: {"error":{"message":"Moderation Block"}}\n\n', InvalidRequest, "Moderation Block", ""),
        (400, b'{"error":"just words"}', InvalidRequest, "just words", ""),
        (400, b"[1]", InvalidRequest, "the model server refused the request", ""),
        (400, told("key sk-abcdef123456 is bad"), InvalidRequest, "key [hidden] is bad", ""),
        (400, told("x" * 501), InvalidRequest, "x" * 499 + "…", ""),
        (500, b"<html>nginx</html>", UpstreamFailed, "the model server failed with status 500", ""),
        (503, told("loading model"), UpstreamFailed, "the model server failed with status 503: loading model", ""),
        (529, told("overloaded"), UpstreamBusy, "the model server takes no more calls now; try again later", ""),
        (429, told("quota of org-1"), UpstreamBusy, "the model server takes no more calls now; try again later", ""),
    ],
)
def test_an_error_status_says_whose_fault_it_is(
    status: int, body: bytes, kind: type[SetariaError], message: str, param: str
) -> None:
    """The server's words reach the caller where he can mend it, or may want to know."""
    error = OpenAIUpstream().read_error(status, body, 7)
    expected_wait = 7 if kind not in (InvalidRequest, UpstreamRefused) else None
    assert (type(error), error.message, error.param, error.retry_after_s) == (kind, message, param, expected_wait)


@pytest.mark.parametrize("status", [401, 402, 403])
def test_a_refused_key_of_the_platform_never_looks_like_the_callers(status: int) -> None:
    """What the server says of our key is not told."""
    error = OpenAIUpstream().read_error(status, told("Incorrect API key sk-secret1234"), None)
    assert (type(error), "sk-" in error.message, "operator" in error.message) == (UpstreamRefused, False, True)


@pytest.mark.parametrize(
    "data, kind",
    [
        (told("m", code=429), UpstreamBusy),
        (told("m", code="429"), UpstreamBusy),
        (told("m", type="overloaded_error"), UpstreamBusy),
        (told("m", code="rate_limit_exceeded"), UpstreamBusy),
        (told("m", code=400), InvalidRequest),
        (told("m", type="invalid_request_error"), InvalidRequest),
        (told("m", type="BadRequestError", code=None), InvalidRequest),
        (told("m", code=200), UpstreamFailed),
        (told("m", code=10**30), UpstreamFailed),
        (told("m", code="server_error"), UpstreamFailed),
        (told(LENGTH + "your messages resulted in 5000 tokens."), ContextOverflow),
    ],
)
def test_an_error_in_band_counts_as_the_status_it_names(data: bytes, kind: type[SetariaError]) -> None:
    """By its code, else by its type, else it is the server's fault."""
    assert type(read_error_in_band(data)) is kind
