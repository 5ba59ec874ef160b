"""Half characters: halves that belong together are put together, those that stand alone are replaced."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.wire.half_characters import HalfCharacters, find_lone_half, replace_lone_halves

PAIR = rb"\ud83c\udf3e"


@pytest.mark.parametrize(
    "data, at, mended",
    [
        (b'"a"', None, b'"a"'),
        (rb'"\u00e9 \uffff \ud7ff \ue000"', None, rb'"\u00e9 \uffff \ud7ff \ue000"'),
        (b'"%b"' % PAIR, None, b'"%b"' % PAIR),
        (rb'"a\ud83c"', 2, rb'"a\ufffd"'),
        (rb'"\uDF3Ea"', 1, rb'"\ufffda"'),
        (rb'"\ud83c%b\ud83c"' % PAIR, 1, rb'"\ufffd%b\ufffd"' % PAIR),
        (rb'"\\\udf3e"', 3, rb'"\\\ufffd"'),
        (rb'"\\ud83c"', None, rb'"\\ud83c"'),
    ],
)
def test_a_half_that_stands_alone_is_found(data: bytes, at: int | None, mended: bytes) -> None:
    """Only a half without its other one is found, and replaced."""
    assert (find_lone_half(data), replace_lone_halves(data)) == (at, mended)


@pytest.mark.parametrize(
    "pieces, joined",
    [
        ([rb'{"a":"b\ud83c"}', rb'{"a":"\udf3ec"}'], [b'{"a":"b"}', b'{"a":"%bc"}' % PAIR]),
        (
            [rb'{"a":"\ud83c"}', rb'{"a":"\udf3e\ud83c"}', rb'{"a":"\udf3e"}'],
            [b'{"a":""}', b'{"a":"%b"}' % PAIR, b'{"a":"%b"}' % PAIR],
        ),
        ([rb'{"a":"b\\\ud83c"}', rb'{"a":"\udf3e"}'], [rb'{"a":"b\\"}', b'{"a":"%b"}' % PAIR]),
        ([rb'{"a":"\ud83c"}', rb'{"a":"c\"\udf3e"}'], [b'{"a":""}', rb'{"a":"c\"\ufffd"}']),
        ([rb'{"a":"\ud83c"}', b'{"a":"c"}', rb'{"a":"\udf3e"}'], [b'{"a":""}', b'{"a":"c"}', rb'{"a":"\ufffd"}']),
        ([rb'{"a":"\udf3e"}'], [rb'{"a":"\ufffd"}']),
        ([rb'["\ud83c","b\ud83c"]', rb'["\udf3e","\udf3eb"]'], [b'["","b"]', b'["%b","%bb"]' % (PAIR, PAIR)]),
    ],
)
def test_halves_are_put_together(pieces: list[bytes], joined: list[bytes]) -> None:
    """A half at the end of one piece's string goes before the other at the beginning of the next piece's."""
    halves = HalfCharacters()
    assert [halves.join(piece) for piece in pieces] == joined


@given(text=st.text(max_size=20), size=st.integers(1, 3))
def test_a_text_that_was_cut_anywhere_is_whole_again(text: str, size: int) -> None:
    """However a server that counts in UTF-16 cuts its text, all of it comes."""
    raw = text.encode("utf-16-le", "surrogatepass")
    cut = [raw[at : at + 2 * size].decode("utf-16-le", "surrogatepass") for at in range(0, len(raw), 2 * size)]
    halves = HalfCharacters()
    assert "".join(json.loads(halves.join(json.dumps(piece).encode())) for piece in cut) == text
