"""Values: turns the raw text of an argument into JSON, by what the tool's schema says of it."""

from collections.abc import Iterable, Mapping

import msgspec

from setaria.core.dialogue import Tool

Types = frozenset[str]

UNKNOWN: Types = frozenset()
STRING: Types = frozenset({"string"})

_KINDS: Mapping[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    type(None): "null",
}
_ALL_KINDS = frozenset(_KINDS.values())
_GUESSED_KINDS = _ALL_KINDS - {"string", "null"}
_KINDS_BESIDE_STRING = frozenset({"object", "array", "null"})
_PYTHON_LITERALS = {"True": ("boolean", "true"), "False": ("boolean", "false"), "None": ("null", "null")}


class _Property(msgspec.Struct):
    type: str | list[str] | None = None
    any_of: list["_Property"] = msgspec.field(name="anyOf", default_factory=list)
    one_of: list["_Property"] = msgspec.field(name="oneOf", default_factory=list)


class _Parameters(msgspec.Struct):
    properties: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict)


_parameters = msgspec.json.Decoder(_Parameters)
_property = msgspec.json.Decoder(_Property)
_any_value = msgspec.json.Decoder()


class ArgumentTypes:
    """Knows the JSON types that each tool's schema allows for each argument."""

    def __init__(self, tools: Iterable[Tool]) -> None:
        self._schemas = {tool.name: tool.parameters for tool in tools}
        self._properties: dict[str, dict[str, msgspec.Raw]] = {}

    def find(self, tool: str, argument: str) -> Types:
        """Give the types allowed for an argument; `UNKNOWN` when the schema does not say."""
        properties = self._properties.get(tool)
        if properties is None:
            properties = self._properties[tool] = _read_properties(self._schemas.get(tool, b""))
        raw = properties.get(argument)
        return UNKNOWN if raw is None else _read_types(raw)


def _read_properties(schema: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _parameters.decode(schema).properties
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _read_types(raw: msgspec.Raw) -> Types:
    try:
        return frozenset(_types_of(_property.decode(raw)))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return UNKNOWN


def _types_of(prop: _Property) -> Iterable[str]:
    if isinstance(prop.type, str):
        yield prop.type
    else:
        yield from prop.type or ()
    for choice in (*prop.any_of, *prop.one_of):
        yield from _types_of(choice)


def json_from_raw(raw: str, types: Types) -> str:
    """Write an argument's raw text as JSON.

    A string stays one even where it looks like a number. Where other types are allowed too, null, objects and arrays
    are read as such if they are allowed. Where a string is not allowed, any JSON is taken as it is, and Python's
    `True`, `False` and `None` as what they mean. Where nothing is known, objects, arrays, numbers, true and false are
    taken. All else is a string.
    Example: `5` is `5` for an integer, `"5"` for a string; `abc` is `"abc"` for either.
    """
    text = raw.strip()
    kinds = _readable_kinds(types)
    kind, literal = _read_literal(text)
    if kind in kinds and (literal is text or kind in types):
        return literal
    return f'"{escape(raw)}"'


def _readable_kinds(types: Types) -> frozenset[str]:
    """Give the kinds of JSON that raw text is read as."""
    if not types:
        return _GUESSED_KINDS
    return types & _KINDS_BESIDE_STRING if "string" in types else _ALL_KINDS


def _read_literal(text: str) -> tuple[str, str]:
    """Give what kind of JSON the text is, empty when it is none, and that JSON."""
    try:
        return _KINDS[type(_any_value.decode(text))], text
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _PYTHON_LITERALS.get(text, ("", text))


def escape(text: str) -> str:
    """Write text as the inside of a JSON string, so that escaped pieces put together are the escaped whole."""
    return msgspec.json.encode(text).decode()[1:-1]
