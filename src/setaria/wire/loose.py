"""Loose: reads JSON of a known shape in which some values are of another type than they should be.

Servers number the ids of their calls, write an index as a string, and give a text in parts.
"""

import functools
from typing import TypeVar

import msgspec
from msgspec import inspect

from setaria.wire.half_characters import replace_lone_halves

T = TypeVar("T")

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_type_info = functools.cache(inspect.type_info)


def read_loosely(told: object, shape: type[T]) -> T:
    """Read what was told, as it came from JSON, as a record of this shape.

    Raises: msgspec.DecodeError where a value can't be meant as what it should be.
    Example: 1 is the text "1", "0" the number 0, and [{"type":"text","text":"Hi"}] the text "Hi".
    """
    kind = _type_info(shape)  # type: ignore[arg-type]  # a class can be hashed, whatever mypy thinks of its metaclass
    return msgspec.json.decode(msgspec.json.encode(_fit(told, kind)), type=shape)


def read_fields(data: bytes) -> dict[str, msgspec.Raw]:
    """Read the fields of an object that is to be written again; halves of characters that stand alone are replaced.

    Raises: msgspec.DecodeError when it is no JSON object.
    """
    try:
        return _fields.decode(data)
    except msgspec.DecodeError:
        return _fields.decode(replace_lone_halves(data))


def _fit(value: object, kind: inspect.Type) -> object:
    """Give a value as what it must be meant as; the same one where that is not known."""
    match kind:
        case inspect.UnionType(types=kinds) if value is not None:
            return _fit(value, next(each for each in kinds if not isinstance(each, inspect.NoneType)))
        case inspect.StrType():
            return _fit_text(value)
        case inspect.IntType():
            return _fit_number(value)
        case inspect.ListType(item_type=item) if isinstance(value, list):
            return [_fit(each, item) for each in value]
        case inspect.StructType(fields=fields) if isinstance(value, dict):
            kinds_by_name = {field.encode_name: field.type for field in fields}
            return {name: _fit(value[name], kinds_by_name[name]) for name in value.keys() & kinds_by_name.keys()}
        case _:
            return value


def _fit_text(value: object) -> object:
    if type(value) is int:
        return str(value)
    if not isinstance(value, list):
        return value
    texts = [part.get("text") if isinstance(part, dict) else part for part in value]
    return "".join(text for text in texts if isinstance(text, str))


def _fit_number(value: object) -> object:
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value
