"""Biases of single tokens."""

import msgspec
import pytest

from setaria.core.errors import InvalidRequest
from setaria.core.traits import Traits
from setaria.wire.openai_chat.sampling import read_sampling

TRAITS = Traits(8192, 100, 100, frozenset())


def read(logit_bias: object) -> tuple[tuple[int, float], ...]:
    """Read a request's biases."""
    body = msgspec.json.encode({"logit_bias": logit_bias})
    return read_sampling(msgspec.json.decode(body, type=dict[str, msgspec.Raw]), TRAITS, thinking=False).logit_bias


@pytest.mark.parametrize(
    "logit_bias,expected",
    [
        (None, ()),
        ({}, ()),
        ({"50256": -100, "7": 100, "0": 0.5, "9": None}, ((50256, -100.0), (7, 100.0), (0, 0.5), (9, 0.0))),
        ({str(2**31 - 1): 1}, ((2**31 - 1, 1.0),)),
    ],
)
def test_biases_are_read_by_token(logit_bias: object, expected: tuple[tuple[int, float], ...]) -> None:
    """Each token id has its bias, in the order they came."""
    assert read(logit_bias) == expected


@pytest.mark.parametrize(
    "logit_bias,param,message",
    [
        ([1], "logit_bias", "must be an object"),
        ({"5": 100.5}, "logit_bias.5", "logit_bias.5 is 100.5; it must be a number from -100 to 100"),
        ({"5": -101}, "logit_bias.5", "a number from -100 to 100"),
        ({"5": "much"}, "logit_bias.5", "a number from -100 to 100"),
        ({"hello": 1}, "logit_bias", "by their ids"),
        ({"-1": 1}, "logit_bias", "by their ids"),
        ({"²": 1}, "logit_bias", "by their ids"),
        ({"1" * 5000: 1}, "logit_bias", "by their ids"),
        ({str(2**31): 1}, "logit_bias", "by their ids"),
        ({str(token): 1 for token in range(1025)}, "logit_bias", "names 1025 tokens; at most 1024"),
    ],
)
def test_what_is_no_bias_is_told(logit_bias: object, param: str, message: str) -> None:
    """A bias out of range, of something that is no token id, or of too many tokens names the field."""
    with pytest.raises(InvalidRequest) as caught:
        read(logit_bias)
    assert (caught.value.param, message in caught.value.message) == (param, True)
