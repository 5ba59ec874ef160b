"""Loose: values of another type are read as what they must be meant as."""

import msgspec
import pytest

from setaria.wire.loose import read_loosely


class Inner(msgspec.Struct, frozen=True):
    """A record in a record."""

    number: int | None = None
    raw: msgspec.Raw = msgspec.Raw(b"0")


class Outer(msgspec.Struct, frozen=True):
    """A record with a field of each kind."""

    text: str | None = None
    inners: list[Inner] | None = None
    anything: object = None


@pytest.mark.parametrize(
    "told, meant",
    [
        ({}, Outer()),
        ({"text": "a", "anything": {"b": [1.5]}, "unknown": 1}, Outer("a", None, {"b": [1.5]})),
        ({"text": None, "inners": None}, Outer()),
        ({"text": 17}, Outer("17")),
        ({"text": ["a", {"type": "text", "text": "b"}, {"type": "image"}, 7, {"text": "c"}]}, Outer("abc")),
        ({"inners": [{"number": "12"}, {"number": 3.0}, {"raw": {"x": 1}}]},
         Outer(None, [Inner(12), Inner(3), Inner(None, msgspec.Raw(b'{"x":1}'))])),
    ],
)  # fmt: skip
def test_what_is_meant_is_read(told: object, meant: Outer) -> None:
    """A number is a text, digits are a number, and parts of a text are put together."""
    assert read_loosely(told, Outer) == meant


@pytest.mark.parametrize(
    "told",
    [
        [],
        {"text": True},
        {"text": {"a": 1}},
        {"inners": "a"},
        {"inners": {}},
        {"inners": [1]},
        {"inners": [{"number": "x"}]},
        {"inners": [{"number": "²"}]},
        {"inners": [{"number": 1.5}]},
    ],
)
def test_what_can_not_be_meant_is_an_error(told: object) -> None:
    """Nothing is guessed, and nothing is lost without a word."""
    with pytest.raises(msgspec.DecodeError):
        read_loosely(told, Outer)
