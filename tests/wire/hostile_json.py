"""Hostile JSON: changes a value at any place, to what nobody expects there."""

from random import Random

VALUES: list[object] = [
    None,
    True,
    False,
    0,
    -1,
    1.5,
    -0.0,
    1e300,
    2**31,
    2**63,
    2**64,
    -(2**63),
    10**400,
    "",
    "x",
    "\u2028",
    "\ud83c",
    "5",
    "0599" + "9" * 5000,
    "²",
    [],
    {},
    [[]],
    [None],
    [{}],
    {"type": None},
    {"type": "text"},
    {"error": {}},
    "error",
    {"message": 7},
    {"code": "0599" + "9" * 5000},
    {"code": "²²²"},
    {"type": ["text"]},
    "tool_use",
    "thinking",
    "length",
    "data:image/png;base64,AA==",
    "auto",
    "required",
    "enabled",
    {"type": "tool", "name": "f"},
    "a" * 2000,
]
NAMES = [
    "index",
    "type",
    "error",
    "usage",
    "delta",
    "choices",
    "content",
    "tool_calls",
    "finish_reason",
    "id",
    "text",
    "role",
    "tools",
    "tool_choice",
    "thinking",
    "stop",
    "system",
    "max_tokens",
    "response_format",
    "input",
    "cache_control",
]


def change(value: object, draw: Random) -> object:
    """Change a JSON value at one place."""
    choice = draw.random()
    if choice < 0.15 or not isinstance(value, dict | list):
        return draw.choice(VALUES)
    if isinstance(value, list):
        if not value or choice < 0.25:
            return [*value, *draw.choices(value or VALUES)]
        at = draw.randrange(len(value))
        return [*value[:at], change(value[at], draw), *value[at + 1 :]]
    if not value or choice < 0.25:
        return value | {draw.choice(NAMES): draw.choice(VALUES)}
    name = draw.choice([*value])
    if choice < 0.35:
        return {other: it for other, it in value.items() if other != name}
    return value | {name: change(value[name], draw)}
