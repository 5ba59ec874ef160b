"""Fields: reads JSON fields one by one, so that an error names the field at fault and what is allowed there."""

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from setaria.core.errors import InvalidRequest
from setaria.wire.half_characters import find_lone_half

Fields = Mapping[str, msgspec.Raw]
T = TypeVar("T")

_NULL = b"null"
_QUOTE, _BRACKET, _BRACE = b'"[{'
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])
_integer = msgspec.json.Decoder(int)
_number = msgspec.json.Decoder(float)
_boolean = msgspec.json.Decoder(bool)
_string = msgspec.json.Decoder(str)


def read_body(body: bytes) -> dict[str, msgspec.Raw]:
    """Read a request's body as a JSON object; of a field given twice the last one counts.

    Raises: InvalidRequest, which says at which line and column the JSON is malformed, or what it is instead.
    """
    if not body or body.isspace():
        raise InvalidRequest("the request has no body; send a JSON object")
    if not body.isascii():
        _refuse_other_encodings(body)
    try:
        return _object.decode(body)
    except msgspec.ValidationError as error:
        raise InvalidRequest("the body must be a JSON object") from error
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"the body is not valid JSON: {_explain(body, str(error))}") from error
    except RecursionError as error:
        raise InvalidRequest("the body is not valid JSON: it is nested too deeply") from error


def _refuse_other_encodings(body: bytes) -> None:
    """Refuse a body that is not UTF-8: msgspec looks into a string only when that string is read."""
    try:
        body.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequest(f"the body is not valid UTF-8: {error.reason} (byte {error.start})") from error


def _explain(body: bytes, reason: str) -> str:
    """Add the place to msgspec's words, which end in `(byte N)` when it knows it; else the JSON ends too early."""
    lone = find_lone_half(body)
    if lone is not None:
        return _at(body, lone, "half of a surrogate pair stands alone")
    head, mark, tail = reason.removeprefix("JSON is malformed: ").rpartition("(byte ")
    return _at(body, int(tail.rstrip(")")), head.strip()) if mark else _at(body, len(body), "it breaks off")


def _at(body: bytes, at: int, reason: str) -> str:
    """Add line and column of a byte."""
    line = body.count(b"\n", 0, at) + 1
    column = at - (body.rfind(b"\n", 0, at) + 1) + 1
    return f"{reason} at line {line}, column {column} (byte {at})"


def present(fields: Fields, name: str) -> msgspec.Raw | None:
    """Give a field's bytes; None when it is absent or null."""
    raw = fields.get(name)
    return None if raw is None or (len(raw) == len(_NULL) and bytes(raw) == _NULL) else raw


def _decode(decoder: msgspec.json.Decoder[T], raw: msgspec.Raw, path: str, allowed: str) -> T:
    try:
        return decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InvalidRequest(f"{path} must be {allowed}", param=path) from error


def read_object(raw: msgspec.Raw, path: str) -> dict[str, msgspec.Raw]:
    """Read an object's fields."""
    return _decode(_object, raw, path, "an object")


def read_list(raw: msgspec.Raw, path: str, allowed: str = "an array") -> list[msgspec.Raw]:
    """Read an array's items."""
    return _decode(_list, raw, path, allowed)


def read_string(raw: msgspec.Raw, path: str, allowed: str = "a string") -> str:
    """Read a string."""
    return _decode(_string, raw, path, allowed)


def read_integer(raw: msgspec.Raw, path: str, allowed: str = "an integer") -> int:
    """Read an integer."""
    return _decode(_integer, raw, path, allowed)


def is_string(raw: msgspec.Raw) -> bool:
    """Tell whether a value is a JSON string."""
    return memoryview(raw)[0] == _QUOTE


def is_list(raw: msgspec.Raw) -> bool:
    """Tell whether a value is a JSON array."""
    return memoryview(raw)[0] == _BRACKET


def is_object(raw: msgspec.Raw) -> bool:
    """Tell whether a value is a JSON object."""
    return memoryview(raw)[0] == _BRACE


def optional_string(fields: Fields, name: str, path: str, default: str = "") -> str:
    """Read a string field; absent and null give the default."""
    raw = present(fields, name)
    return default if raw is None else read_string(raw, path)


def required_string(fields: Fields, name: str, path: str) -> str:
    """Read a string field that must be there and not be empty."""
    raw = present(fields, name)
    if raw is None:
        raise InvalidRequest(f"{path} is missing; it must be a string", param=path)
    text = read_string(raw, path)
    if not text:
        raise InvalidRequest(f"{path} must not be empty", param=path)
    return text


def optional_object(fields: Fields, name: str, path: str) -> dict[str, msgspec.Raw] | None:
    """Read an object's fields; None when absent or null."""
    raw = present(fields, name)
    return None if raw is None else read_object(raw, path)


def required_object(fields: Fields, name: str, path: str) -> dict[str, msgspec.Raw]:
    """Read the fields of an object that must be there."""
    raw = present(fields, name)
    if raw is None:
        raise InvalidRequest(f"{path} is missing; it must be an object", param=path)
    return read_object(raw, path)


def optional_list(fields: Fields, name: str, path: str) -> list[msgspec.Raw]:
    """Read an array's items; absent and null give none."""
    raw = present(fields, name)
    return [] if raw is None else read_list(raw, path)


def optional_boolean(fields: Fields, name: str, path: str) -> bool | None:
    """Read a true or false; None when absent or null."""
    raw = present(fields, name)
    return None if raw is None else _decode(_boolean, raw, path, "true or false")


def optional_integer(fields: Fields, name: str, path: str, allowed: str = "an integer") -> int | None:
    """Read an integer; None when absent or null."""
    raw = present(fields, name)
    return None if raw is None else read_integer(raw, path, allowed)


def optional_integer_within(fields: Fields, name: str, path: str, low: int, high: int) -> int | None:
    """Read an integer in [low, high]; None when absent or null."""
    raw = present(fields, name)
    if raw is None:
        return None
    try:
        value = _integer.decode(raw)
        if low <= value <= high:
            return value
    except (msgspec.DecodeError, RecursionError):
        pass
    raise InvalidRequest(f"{path} must be an integer from {low} to {high}", param=path)


def optional_number(fields: Fields, name: str, path: str, low: float, high: float) -> float | None:
    """Read a number in [low, high]; None when absent or null."""
    raw = present(fields, name)
    if raw is None:
        return None
    told = ""
    try:
        value = _number.decode(raw)
        if low <= value <= high:
            return value
        told = f" is {value:g}; it"
    except (msgspec.DecodeError, RecursionError):
        pass
    raise InvalidRequest(f"{path}{told} must be a number from {low:g} to {high:g}", param=path)


def optional_choice(fields: Fields, name: str, path: str, choices: tuple[str, ...]) -> str | None:
    """Read a string that must be one of the choices; None when absent or null."""
    raw = present(fields, name)
    if raw is None:
        return None
    value = read_string(raw, path) if is_string(raw) else ""
    if value in choices:
        return value
    found = f" is {value[:60]!r}; it" if is_string(raw) else ""
    raise InvalidRequest(f"{path}{found} must be one of {', '.join(choices)}", param=path)


def required_choice(fields: Fields, name: str, path: str, choices: tuple[str, ...]) -> str:
    """Read a string that must be there and be one of the choices."""
    value = optional_choice(fields, name, path, choices)
    if value is None:
        raise InvalidRequest(f"{path} is missing; it must be one of {', '.join(choices)}", param=path)
    return value
