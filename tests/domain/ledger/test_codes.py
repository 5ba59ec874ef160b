"""Codes: making and reading redeem codes."""

import re

import pytest

from setaria.core.secrets import SecretRing
from setaria.domain.ledger.codes import CodeTerms, make_code, read_code

OLD = SecretRing({"old": bytes(range(32))})
BOTH = SecretRing({"old": bytes(range(32)), "new": bytes(range(32, 64))})
TERMS = CodeTerms("batch_1", 5, 1_000, 2_000)


def test_a_code_has_the_agreed_form() -> None:
    """Four groups of five without lookalikes; kept are digest and last 4."""
    code, text = make_code(BOTH, TERMS)
    assert re.fullmatch("([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}", text)
    assert (code.batch, code.amount_nano, code.created_at_ms, code.expires_at_ms) == ("batch_1", 5, 1_000, 2_000)
    assert (code.last4, code.redeemed_at_ms, code.redeemed_by) == (text[-4:], None, None)
    assert code.id == f"code_{code.digest.hex()[:16]}"


def test_a_code_is_read_as_people_type_it() -> None:
    """Small letters, spaces, missing dashes and lookalikes make no difference."""
    code, text = make_code(BOTH, TERMS)
    for typed in (text, text.lower(), text.replace("-", " "), text.replace("-", ""), f" {text} "):
        assert read_code(BOTH, typed)[0] == code.digest
    assert read_code(BOTH, "0" * 20) == read_code(BOTH, "OoOoO" * 4)
    assert read_code(BOTH, "1" * 20) == read_code(BOTH, "IlLiL" * 4)


def test_codes_of_every_secret_on_the_ring_are_read() -> None:
    """A code made before the ring grew stays good."""
    code, text = make_code(OLD, TERMS)
    assert code.digest in read_code(BOTH, text)


@pytest.mark.parametrize("text", ["", "1234", "1" * 19, "1" * 21, "U" * 20, "é" * 20, "1111-" * 20])
def test_what_is_no_code_has_no_digest(text: str) -> None:
    """No query is made for it."""
    assert read_code(BOTH, text) == ()
