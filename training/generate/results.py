"""Results: what tools give back, and the answer that quotes every value of it."""

import json
from collections.abc import Callable

from training.generate.draw import Draw
from training.generate.sample import Value
from training.generate.values import draw_value, is_forbidden

NOTHING = "The tool gave no result."
_KINDS = ("city", "person", "integer", "number", "date", "time", "text", "short", "word", "id", "email", "url", "file")
_FIELDS: dict[str, tuple[str, ...]] = {
    "integer": (
        "temperature",
        "count",
        "lines",
        "humidity",
        "total",
        "size",
        "code",
        "score",
        "rating",
        "distance_km",
        "wind_speed",
        "temp_c",
        "results",
        "pid",
        "quantity",
        "stock",
        "minutes",
    ),
    "number": (
        "price",
        "amount",
        "balance",
        "value",
        "rate",
        "average",
        "total",
        "cost",
        "usd",
        "percent",
        "latitude",
        "longitude",
    ),
    "short": ("condition", "category", "description", "label", "kind", "state", "department"),
    "word": ("type", "model", "key", "tag", "host", "branch"),
    "text": ("message", "summary", "title", "note", "content", "comment", "text", "output", "answer"),
    "person": ("name", "owner", "author", "customer", "driver", "contact"),
    "city": ("city", "location", "place", "destination", "origin"),
    "date": ("date", "due_date", "created", "updated", "arrival", "valid_until"),
    "time": ("time", "start", "end", "departure", "opens", "eta"),
    "id": ("id", "order_id", "reference", "tracking", "confirmation", "ticket", "booking"),
    "email": ("email",),
    "url": ("url", "link"),
    "file": ("path", "file"),
}
_STATES = (
    "ok",
    "done",
    "pending",
    "failed",
    "shipped",
    "sent",
    "open",
    "closed",
    "success",
    "confirmed",
    "booked",
    "created",
    "delayed",
    "on time",
    "in transit",
    "active",
    "sunny",
    "cloudy",
    "rainy",
    "windy",
    "clear",
    "foggy",
    "snow",
    "light rain",
)
_UNITS = ("celsius", "fahrenheit", "km", "kg", "USD", "EUR", "minutes", "%", "mph")
_ERRORS = (
    "not found",
    "permission denied",
    "no such file",
    "timeout",
    "connection refused",
    "invalid id",
    "rate limit reached",
    "access denied",
    "unknown city",
    "file does not exist",
    "not authorized",
    "service unavailable",
)
_MANY_LINES = 12
_FIRST_LINES = 5
CUT = "[...]"


def draw_result(draw: Draw) -> tuple[str, str]:
    """Make a tool's result and what the answer quotes of it; no value of it is held out."""
    shapes: tuple[Callable[[Draw], tuple[str, str]], ...] = (_object, _plain, _lines, _error, _list)
    while True:
        text, quote = draw.random.choices(shapes, (60, 22, 6, 8, 4))[0](draw)
        if not is_forbidden(_value(text)):
            return text, quote


def answer_for(results: list[tuple[str, str]]) -> str:
    """Write the answer that follows results: one sentence, or for several lines a heading."""
    quotes = [quote for _, quote in results]
    if not any(quotes):
        return NOTHING
    start = "The call failed" if any(is_error(text) for text, _ in results) else "Here is the result"
    whole = "; ".join(quotes)
    if "\n" in whole:
        return f"{start}:\n{whole}"
    return f"{start}: {whole}" + ("" if whole.endswith((".", "!", "?")) else ".")


def is_error(text: str) -> bool:
    """Tell whether a result reports an error."""
    return text.lower().startswith(("error", '{"error"'))


def quote_value(value: Value) -> str:
    """Say a JSON value in words, every value as it stands: `temperature 21, wind speed 4`."""
    if isinstance(value, dict):
        return ", ".join(f"{key.replace('_', ' ')} {quote_value(item)}" for key, item in value.items())
    if isinstance(value, list):
        return ("; " if any(isinstance(item, dict) for item in value) else ", ").join(map(quote_value, value)) or "none"
    return value if isinstance(value, str) else json.dumps(value)


def _value(text: str) -> Value:
    """Read a result as JSON, or as the text that it is."""
    try:
        value: Value = json.loads(text)
    except ValueError:
        return text
    return value


def _object(draw: Draw) -> tuple[str, str]:
    fields = _draw_fields(draw, draw.one((1, 2, 2, 3, 3, 4, 5)))
    if draw.chance(0.12):
        fields[draw.one(("current", "data", "result", "details", "item"))] = _draw_fields(draw, draw.whole(1, 3))
    if draw.chance(0.08):
        fields[draw.one(("items", "names", "files", "options", "tags"))] = _draw_values(draw)
    return _written(draw, fields)


def _list(draw: Draw) -> tuple[str, str]:
    if draw.chance(0.5):
        return _written(draw, _draw_values(draw))
    kinds = draw.some(tuple(_FIELDS), draw.whole(1, 2))
    names = [draw.one(_FIELDS[kind]) for kind in kinds]
    rows: list[Value] = [
        {name: draw_value(draw, kind) for name, kind in zip(names, kinds, strict=True)} for _ in range(draw.whole(2, 3))
    ]
    return _written(draw, rows)


def _written(draw: Draw, value: Value) -> tuple[str, str]:
    separators = (",", ":") if draw.chance(0.25) else (", ", ": ")
    indent = 2 if draw.chance(0.06) else None
    return json.dumps(value, ensure_ascii=False, separators=separators, indent=indent), quote_value(value)


def _plain(draw: Draw) -> tuple[str, str]:
    turn = draw.random.random()
    if turn < 0.35:
        text = str(draw_value(draw, draw.one(_KINDS)))
    elif turn < 0.5:
        text = draw.one(_STATES)
    elif turn < 0.7:
        text = f"{draw_value(draw, 'number')}{draw.one((' ', '', ' ', '°', '%', ' € ', ' $'))}".strip()
        text += draw.one(("", f" {draw.one(_UNITS)}", f", {draw.one(_STATES)}"))
    elif turn < 0.97:
        text = _report(draw)
    else:
        text = ""
    return text, text


def _report(draw: Draw) -> str:
    """Say a result in a sentence, as tools made for people do."""
    shape = draw.one(
        (
            "The {noun} is {state}.",
            "{person} has {count} {noun}s",
            "{count} {noun}s found in {city}",
            "{city}: {count} degrees, {state}",
            "Done: {id}",
            "Saved as {file}",
            "{noun} {id} is {state}",
            "It is {time} in {city}.",
            "Booked for {date} at {time}",
            "Sent to {email}.",
            "{count}",
            "{person}, {city}",
        )
    )
    return shape.format(
        noun=draw.word("noun"),
        state=draw.one(_STATES),
        count=draw.whole(0, 500),
        **{kind: draw_value(draw, kind) for kind in ("person", "city", "id", "file", "time", "date", "email")},
    )


def _lines(draw: Draw) -> tuple[str, str]:
    kind = draw.one(("file", "text", "short", "person", "code", "word"))
    many = draw.whole(2, 7) if draw.chance(0.7) else draw.whole(_MANY_LINES + 2, 30)
    lines = [str(draw_value(draw, kind)) for _ in range(many)]
    text = "\n".join(lines)
    return text, text if many <= _MANY_LINES else "\n".join([*lines[:_FIRST_LINES], CUT])


def _error(draw: Draw) -> tuple[str, str]:
    reason = draw.one(_ERRORS) if draw.chance(0.7) else str(draw_value(draw, "text"))
    if draw.chance(0.3):
        fields: dict[str, Value] = {"error": reason}
        if draw.chance(0.4):
            fields["code"] = draw.whole(400, 599)
        return _written(draw, fields)
    text = f"{draw.one(('Error: ', 'error: ', 'ERROR: ', 'Error '))}{reason}"
    return text, text


def _draw_fields(draw: Draw, many: int) -> dict[str, Value]:
    fields: dict[str, Value] = {}
    while len(fields) < many:
        turn = draw.random.random()
        kind = draw.one(tuple(_FIELDS))
        if turn < 0.12:
            fields[draw.one(("status", "state", "condition", "result", "weather"))] = draw.one(_STATES)
        elif turn < 0.17:
            fields[draw.one(("unit", "units", "currency"))] = draw.one(_UNITS)
        elif turn < 0.23:
            fields[draw.one(("ok", "success", "available", "open", "done", "is_active"))] = draw.chance(0.6)
        elif turn < 0.4:
            fields[draw.invented_word() if draw.chance(0.4) else draw.plain_word().replace(" ", "_")] = draw_value(
                draw, kind
            )
        else:
            fields[draw.one(_FIELDS[kind])] = draw_value(draw, kind)
    return fields


def _draw_values(draw: Draw) -> list[Value]:
    kind = draw.one(("short", "word", "integer", "person", "city", "file", "time", "text"))
    return [draw_value(draw, kind) for _ in range(draw.whole(2, 5))]
