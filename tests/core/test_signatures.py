"""Signatures: whose they are shows, and only of those of our form."""

import base64

import pytest

from setaria.core.signatures import read_signer, write_signature

MARK = bytes(range(32))
OURS = write_signature("ring1", MARK)


def test_the_form() -> None:
    """A signature is a version byte, the signer's id with its length, and the mark."""
    assert base64.urlsafe_b64decode(OURS) == b"\x01\x05ring1" + MARK


@pytest.mark.parametrize("signer", ["a", "ring1", "x" * 255])
def test_the_signer_is_read(signer: str) -> None:
    """What was written tells its signer."""
    assert signer == read_signer(write_signature(signer, MARK))


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "A",
        "EqoBCkgIBBABGAIiQ",
        "AQ\u00e9=",
        OURS[:-4],
        OURS + "AAAA",
        "B" + OURS[1:],
        base64.urlsafe_b64encode(b"\x02\x05ring1" + MARK).decode(),
        base64.urlsafe_b64encode(b"\x01\x02\xff\xff" + MARK).decode(),
        base64.urlsafe_b64encode(b"\x01\x00" + MARK).decode(),
        "A" * 800,
    ],
)
def test_other_forms(signature: str) -> None:
    """Of any other form nobody is read: others made it, or it was changed on its way."""
    assert read_signer(signature) == ""
