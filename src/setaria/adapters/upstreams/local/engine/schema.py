"""Schema: reads and prepares JSON schemas for the grammar."""

import json

from setaria.adapters.upstreams.local.engine.template import Json
from setaria.core.errors import InvalidRequest

_COMPACT: dict[str, Json] = {"whitespace_flexible": False, "item_separator": ", ?", "key_separator": ": ?"}
LENIENT: dict[str, Json] = {**_COMPACT, "lenient": True}
"""For tools, which come as they come: keywords that the grammar does not know are passed over."""
STRICT: dict[str, Json] = {**_COMPACT, "coerce_one_of": True}
"""For answers: a keyword that the grammar does not know is an error."""

_BOUNDS = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "enum", "const")
_VALUES = ("const", "default", "enum", "examples")
_NUMBER_LIMIT = 10**18


def write_schema(schema: dict[str, Json], options: dict[str, Json]) -> str:
    """Write a schema with the options of its grammar.

    Numbers without bounds get some: without, a model may write one that no JSON reader takes, such as 1e99999.

    Raises: InvalidRequest for one that is nested hundreds of levels deep.
    """
    try:
        return json.dumps({**schema, **_bound_fields(schema), "x-guidance": options})
    except RecursionError as error:
        raise InvalidRequest("a JSON schema of this request is nested too deeply") from error


def properties_of(schema: dict[str, Json]) -> dict[str, Json]:
    """Give the properties that an object's schema names."""
    properties = schema.get("properties")
    return properties if isinstance(properties, dict) else {}


def required_of(schema: dict[str, Json]) -> list[str]:
    """Give the names of the properties that an object must have."""
    required = schema.get("required")
    return [name for name in required if isinstance(name, str)] if isinstance(required, list) else []


def follow(schema: dict[str, Json], shared: dict[str, Json]) -> dict[str, Json]:
    """Give what a schema refers to among the shared ones, itself when it refers to nothing there."""
    seen: set[str] = set()
    while True:
        only = schema.get("allOf")
        inner = only[0] if isinstance(only, list) and len(only) == 1 else schema
        name = inner.get("$ref") if isinstance(inner, dict) else None
        if not isinstance(name, str) or name in seen:
            return schema
        seen.add(name)
        group, _, key = name.removeprefix("#/").partition("/")
        found = shared.get(group)
        target = found.get(key) if isinstance(found, dict) else None
        if not isinstance(target, dict):
            return schema
        schema = target


def types_of(schema: dict[str, Json]) -> set[str]:
    """Give the JSON types that a schema names, those of its alternatives too; none where it does not say."""
    named = schema.get("type")
    found = {kind for kind in (named if isinstance(named, list) else [named]) if isinstance(kind, str)}
    for key in ("anyOf", "oneOf"):
        choices = schema.get(key)
        for choice in choices if isinstance(choices, list) else []:
            found |= types_of(choice) if isinstance(choice, dict) else set()
    return found


def texts_of(schema: dict[str, Json]) -> list[str]:
    """Give the texts that are the only values of a schema; none where other values may be."""
    choices = schema.get("enum", [schema["const"]] if "const" in schema else [])
    texts = [choice for choice in choices if isinstance(choice, str)] if isinstance(choices, list) else []
    return texts if isinstance(choices, list) and len(texts) == len(choices) else []


def _bound_fields(schema: dict[str, Json]) -> dict[str, Json]:
    fields = {name: value if name in _VALUES else _bound(value) for name, value in schema.items()}
    kind = schema.get("type")
    is_number = kind == "number" or (isinstance(kind, list) and "number" in kind)
    if is_number and not any(bound in schema for bound in _BOUNDS):
        fields |= {"minimum": -_NUMBER_LIMIT, "maximum": _NUMBER_LIMIT}
    return fields


def _bound(value: Json) -> Json:
    if isinstance(value, dict):
        return _bound_fields(value)
    return [_bound(item) for item in value] if isinstance(value, list) else value
