"""Refuse: an error's status, headers and body, and where a defect was."""

import pytest

from setaria.core.errors import InvalidRequest, Limited, SetariaError, UpstreamFailed, UpstreamRefused, WrongMethod
from setaria.core.ids import CallId
from setaria.gateway.defect import locate_defect
from setaria.gateway.refuse import refuse
from tests.fakes.client import RecordingClient
from tests.fakes.platform import CODECS


@pytest.mark.parametrize(
    "error, status, headers",
    [
        (WrongMethod("PUT", "/v1/models", "GET, HEAD"), 405, {"allow": "GET, HEAD", "x-should-retry": "false"}),
        (Limited("too many", retry_after_s=9), 429, {"retry-after": "9"}),
        (InvalidRequest("no"), 400, {"x-should-retry": "false"}),
        (UpstreamFailed("broken"), 502, {}),
        (UpstreamRefused("not you"), 502, {"x-should-retry": "false"}),
    ],
)
def test_the_headers_of_an_error(error: SetariaError, status: int, headers: dict[str, str]) -> None:
    """An error says in its headers what is allowed, when to come back, or that coming back is of no use."""
    client = RecordingClient()
    assert refuse(error, CODECS["openai_chat"], CallId("0" * 32), client) == status
    assert (client.status, client.headers) == (status, headers)
    assert error.message.encode() in client.body


def test_a_defect_is_told_by_its_place() -> None:
    """A defect's line says class and places, innermost first, and nothing of what was at hand."""
    with pytest.raises(KeyError) as failure:
        dict[str, int]()["the canary"]
    assert locate_defect(failure.value).startswith("KeyError at test_refuse.py:")
    assert "canary" not in locate_defect(failure.value)
