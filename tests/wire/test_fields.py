"""Fields: every reader names the field at fault and what is allowed there."""

from collections.abc import Callable

import pytest

from setaria.core.errors import InvalidRequest
from setaria.wire import fields
from setaria.wire.fields import read_body

BODIES = [
    (b"", "the request has no body"),
    (b" \r\n\t", "the request has no body"),
    (b"[1]", "the body must be a JSON object"),
    (b"null", "the body must be a JSON object"),
    (b'{"a": 1}}', "the body is not valid JSON: trailing characters at line 1, column 10 (byte 9)"),
    (b'{"a": 1,\n "b": }', "invalid character at line 2, column 7 (byte 15)"),
    (b'{"a":', "the body is not valid JSON: it breaks off at line 1, column 6 (byte 5)"),
    (b'{"a":\n  "b', "it breaks off at line 2, column 5 (byte 10)"),
    (b'{"a": NaN}', "invalid character at line 1, column 7 (byte 6)"),
    (b"{'a': 1}", "object keys must be strings at line 1, column 2 (byte 1)"),
    (b'\xef\xbb\xbf{"a": 1}', "invalid character at line 1, column 1 (byte 0)"),
    (b'{"a": "\xff"}', "the body is not valid UTF-8: invalid start byte (byte 7)"),
    (b'{"a": {"b": "\xed\xa0\x80"}}', "the body is not valid UTF-8: invalid continuation byte (byte 13)"),
    (b'{"a": "\\ud800"}', "half of a surrogate pair stands alone at line 1, column 8 (byte 7)"),
    (b'{"a":\n"x\\udc00"}', "half of a surrogate pair stands alone at line 2, column 3 (byte 8)"),
    (b'{"a": "\\ud83c\\udf3e\\ud83c"}', "half of a surrogate pair stands alone at line 1, column 20 (byte 19)"),
    (b'{"a": "\\\\\\udc00"}', "half of a surrogate pair stands alone at line 1"),
    (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "it is nested too deeply"),
]


@pytest.mark.parametrize("body, fragment", BODIES)
def test_a_malformed_body_is_told_where(body: bytes, fragment: str) -> None:
    """A body that is no JSON object is refused with the place, and no field is blamed."""
    with pytest.raises(InvalidRequest) as refusal:
        read_body(body)
    assert fragment in refusal.value.message
    assert refusal.value.param == ""


def test_of_a_field_given_twice_the_last_counts() -> None:
    """A repeated field has its last value."""
    assert {name: bytes(raw) for name, raw in read_body(b'{"a": 1, "a": [2, 3]}').items()} == {"a": b"[2, 3]"}


def test_other_scripts_are_read() -> None:
    """Text that is not ASCII is read as UTF-8."""
    assert fields.required_string(read_body('{"a": "谷子 🌾"}'.encode()), "a", "a") == "谷子 🌾"


Read = Callable[[fields.Fields], object]

READERS: list[tuple[Read, bytes, object]] = [
    (lambda at: fields.present(at, "a"), b"{}", None),
    (lambda at: fields.present(at, "a"), b'{"a": null}', None),
    (lambda at: bytes(fields.present(at, "a") or b""), b'{"a": true}', b"true"),
    (lambda at: fields.is_string(at["a"]), b'{"a": "x"}', True),
    (lambda at: fields.is_string(at["a"]), b'{"a": 1}', False),
    (lambda at: fields.is_list(at["a"]), b'{"a": []}', True),
    (lambda at: fields.is_list(at["a"]), b'{"a": {}}', False),
    (lambda at: fields.is_object(at["a"]), b'{"a": {}}', True),
    (lambda at: fields.is_object(at["a"]), b'{"a": []}', False),
    (lambda at: fields.optional_string(at, "a", "a", "none"), b"{}", "none"),
    (lambda at: fields.optional_string(at, "a", "a"), b'{"a": ""}', ""),
    (lambda at: fields.required_string(at, "a", "a"), b'{"a": "x"}', "x"),
    (lambda at: fields.optional_object(at, "a", "a"), b'{"a": null}', None),
    (lambda at: fields.optional_object(at, "a", "a"), b'{"a": {}}', {}),
    (lambda at: fields.required_object(at, "a", "a"), b'{"a": {}}', {}),
    (lambda at: fields.optional_list(at, "a", "a"), b"{}", []),
    (lambda at: len(fields.optional_list(at, "a", "a")), b'{"a": [1, 2]}', 2),
    (lambda at: fields.optional_boolean(at, "a", "a"), b"{}", None),
    (lambda at: fields.optional_boolean(at, "a", "a"), b'{"a": false}', False),
    (lambda at: fields.optional_integer(at, "a", "a"), b"{}", None),
    (lambda at: fields.optional_integer(at, "a", "a"), b'{"a": -3}', -3),
    (lambda at: fields.optional_integer_within(at, "a", "a", 1, 4), b"{}", None),
    (lambda at: fields.optional_integer_within(at, "a", "a", 1, 4), b'{"a": 4}', 4),
    (lambda at: fields.optional_number(at, "a", "a", 0, 1.5), b"{}", None),
    (lambda at: fields.optional_number(at, "a", "a", 0, 1.5), b'{"a": 1.5}', 1.5),
    (lambda at: fields.optional_number(at, "a", "a", 0, 1.5), b'{"a": 0}', 0.0),
    (lambda at: fields.optional_choice(at, "a", "a", ("x", "y")), b'{"a": null}', None),
    (lambda at: fields.optional_choice(at, "a", "a", ("x", "y")), b'{"a": "y"}', "y"),
    (lambda at: fields.required_choice(at, "a", "a", ("x", "y")), b'{"a": "x"}', "x"),
]


@pytest.mark.parametrize("read, body, expected", READERS)
def test_a_good_field_is_read(read: Read, body: bytes, expected: object) -> None:
    """Absent and null are one thing; all else that is allowed comes back as it is."""
    assert read(read_body(body)) == expected


REFUSALS: list[tuple[Read, bytes, str]] = [
    (lambda at: fields.read_object(at["a"], "p"), b'{"a": []}', "p must be an object"),
    (lambda at: fields.read_list(at["a"], "p"), b'{"a": {}}', "p must be an array"),
    (lambda at: fields.read_list(at["a"], "p", "a list of pets"), b'{"a": 1}', "p must be a list of pets"),
    (lambda at: fields.read_string(at["a"], "p"), b'{"a": 1}', "p must be a string"),
    (lambda at: fields.required_string(at, "a", "p"), b"{}", "p is missing; it must be a string"),
    (lambda at: fields.required_string(at, "a", "p"), b'{"a": ""}', "p must not be empty"),
    (lambda at: fields.optional_object(at, "a", "p"), b'{"a": "x"}', "p must be an object"),
    (lambda at: fields.required_object(at, "a", "p"), b'{"a": null}', "p is missing; it must be an object"),
    (lambda at: fields.optional_list(at, "a", "p"), b'{"a": 0}', "p must be an array"),
    (lambda at: fields.optional_boolean(at, "a", "p"), b'{"a": 1}', "p must be true or false"),
    (lambda at: fields.optional_integer(at, "a", "p"), b'{"a": 1.5}', "p must be an integer"),
    (lambda at: fields.optional_integer(at, "a", "p"), b'{"a": ' + b"9" * 5000 + b"}", "p must be an integer"),
    (lambda at: fields.optional_integer_within(at, "a", "p", 1, 4), b'{"a": 5}', "p must be an integer from 1 to 4"),
    (lambda at: fields.optional_integer_within(at, "a", "p", 1, 4), b'{"a": "1"}', "p must be an integer from 1 to 4"),
    (lambda at: fields.optional_number(at, "a", "p", 0, 1.5), b'{"a": 2}', "p is 2; it must be a number from 0 to 1.5"),
    (lambda at: fields.optional_number(at, "a", "p", 0, 1.5), b'{"a": "1"}', "p must be a number from 0 to 1.5"),
    (lambda at: fields.optional_number(at, "a", "p", 0, 1.5), b'{"a": 1e999}', "p must be a number from 0 to 1.5"),
    (lambda at: fields.optional_choice(at, "a", "p", ("x", "y")), b'{"a": "z"}', "p is 'z'; it must be one of x, y"),
    (lambda at: fields.optional_choice(at, "a", "p", ("x", "y")), b'{"a": 1}', "p must be one of x, y"),
    (lambda at: fields.required_choice(at, "a", "p", ("x", "y")), b"{}", "p is missing; it must be one of x, y"),
]


@pytest.mark.parametrize("read, body, message", REFUSALS)
def test_a_bad_field_is_named(read: Read, body: bytes, message: str) -> None:
    """The message and `param` name the field by its path and say what is allowed."""
    with pytest.raises(InvalidRequest) as refusal:
        read(read_body(body))
    assert (refusal.value.message, refusal.value.param) == (message, "p")


def test_a_long_value_is_cut_in_the_message() -> None:
    """At most 60 characters of what was sent come back."""
    with pytest.raises(InvalidRequest) as refusal:
        fields.optional_choice(read_body(b'{"a": "' + b"z" * 500 + b'"}'), "a", "a", ("x",))
    assert refusal.value.message == f"a is '{'z' * 60}'; it must be one of x"
