"""Known: the families of `families.json` with the wordings of `phrasings*.txt`, under their own names and others."""

import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from training.generate.draw import Draw
from training.generate.family import Family, Parameter

_HERE = Path(__file__).parent
_FAMILIES = _HERE.parent / "families.json"
_PHRASINGS = "phrasings*.txt"

# Which values a parameter takes: by family and name, else by name, else by type.
_KIND_OF = {
    "move_file.source": "file",
    "move_file.destination": "file",
    "copy_file.destination": "file",
    "copy_file.source": "file",
    "LS.path": "folder",
    "Grep.path": "folder",
    "Grep.pattern": "symbol",
    "Glob.path": "folder",
    "list_directory.path": "folder",
    "create_directory.path": "folder",
    "get_disk_usage.path": "folder",
    "block_ip.address": "ip",
    "Edit.old_string": "symbol",
    "Edit.new_string": "symbol",
    "replace_in_file.search": "symbol",
    "replace_in_file.replace": "symbol",
    "search_code.query": "symbol",
    "search_code.language": "software",
    "search_wikipedia.language": "language_code",
    "search_wikipedia.title": "short",
    "install_package.name": "software",
    "install_package.version": "version",
    "deploy_service.version": "version",
    "play_playlist.name": "short",
    "execute_sql.query": "query",
    "apply_coupon.code": "coupon",
    "get_exchange_rate.base": "currency",
    "create_pull_request.base": "branch",
    "get_exchange_rate.target": "currency",
    "rate_product.stars": "small",
    "WebFetch.prompt": "question",
    "search_movies.title": "short",
    "find_jobs.title": "job",
    "book_appointment.doctor": "surname",
    "create_invoice.customer": "person",
    "set_thermostat.degrees": "small",
    "pickup": "address",
    "order_taxi.destination": "address",
    "find_nearby_places.location": "city",
    "address": "address",
    "read_inbox.folder": "mail_folder",
    "create_issue.label": "label",
    "account": "account",
    "artist": "person",
    "assignee": "person",
    "author": "person",
    "body": "text",
    "branch": "branch",
    "carrier": "carrier",
    "category": "category",
    "channel": "channel",
    "city": "city",
    "code": "code",
    "coin": "coin",
    "color": "color",
    "command": "command",
    "comment": "text",
    "company": "short",
    "contact": "person",
    "content": "text",
    "copies": "small",
    "country": "country",
    "cuisine": "cuisine",
    "currency": "currency",
    "database": "service",
    "date": "date",
    "days": "small",
    "check_in": "date",
    "deal_id": "id",
    "department": "department",
    "destination": "city",
    "device": "device",
    "dish": "dish",
    "document_id": "id",
    "domain": "host",
    "door": "door",
    "due_date": "date",
    "email": "email",
    "email_id": "id",
    "end_date": "date",
    "event_id": "id",
    "expression": "expression",
    "file_path": "file",
    "flight_number": "flight",
    "food": "dish",
    "from_city": "city",
    "from_currency": "currency",
    "from_unit": "unit",
    "guests": "small",
    "host": "host",
    "invoice_id": "id",
    "kind": "place_kind",
    "label": "short",
    "language": "language",
    "line": "line",
    "location": "city",
    "medicine": "medicine",
    "message": "text",
    "name": "person",
    "nights": "small",
    "old_string": "symbol",
    "options": "items",
    "order_id": "id",
    "origin": "city",
    "passenger": "person",
    "path": "file",
    "pattern": "pattern",
    "phone": "phone",
    "product_id": "id",
    "project": "short",
    "query": "short",
    "question": "question",
    "quantity": "small",
    "reason": "text",
    "recipient": "person",
    "replicas": "small",
    "repository": "repository",
    "restaurant": "person",
    "road": "road",
    "room": "room",
    "rooms": "small",
    "sensor_id": "id",
    "service": "service",
    "servings": "small",
    "sku": "id",
    "start_date": "date",
    "stop": "stop",
    "store": "city",
    "subject": "text",
    "symbol": "ticker",
    "tags": "items",
    "target_language": "language",
    "task_id": "integer",
    "team": "person",
    "text": "text",
    "ticket_id": "id",
    "time": "time",
    "title": "text",
    "to": "email",
    "to_city": "city",
    "to_currency": "currency",
    "to_unit": "unit",
    "topic": "short",
    "tracking_number": "id",
    "url": "url",
    "username": "username",
    "version": "version",
    "word": "word",
    "year": "year",
    "zone": "zone",
}
_KIND_OF_TYPE = {"integer": "integer", "number": "number", "boolean": "boolean", "array": "items"}
_PREFIXES = ("my", "app", "api", "do", "tool", "the", "run", "user", "home", "new", "ext", "fn")
_SUFFIXES = ("v2", "tool", "fn", "now", "action", "api", "2", "x", "cmd", "service")


@cache
def known_families() -> tuple[Family, ...]:
    """Read the families under their own names.

    Raises: KeyError for a family without wordings; ValueError for a parameter whose values nobody knows.
    """
    wordings = _read_phrasings()
    families = json.loads(_FAMILIES.read_text(encoding="utf-8"))
    return tuple(
        Family(
            family["name"],
            family["name"],
            family["description"],
            tuple(
                Parameter(name, _kind(family["name"], name, schema), schema, name in family["required"])
                for name, schema in family["parameters"].items()
            ),
            wordings[family["name"]],
        )
        for family in families
    )


def vary(draw: Draw, family: Family) -> Family:
    """Offer a family as it stands (two in five) or under another name, description, order or parameter names."""
    if draw.chance(0.4):
        return family
    family = replace(family, name=rename(draw, family.name))
    if draw.chance(0.12):
        family = replace(family, description="")
    if draw.chance(0.2):
        family = replace(family, parameters=tuple(draw.some(family.parameters, len(family.parameters))))
    return _rename_parameters(draw, family) if draw.chance(0.25) else family


def rename(draw: Draw, name: str) -> str:
    """Give a tool another name: with a prefix or suffix, in another style, or one that is made up."""
    words = [word for word in re.split(r"_|(?<=[a-z])(?=[A-Z])", name) if word]
    turn = draw.random.random()
    if turn < 0.3:
        prefix = draw.one((draw.one(_PREFIXES), draw.plain_word(), draw.invented_word())).replace(" ", "_")
        return (
            draw.one(("_", "_", "__", ".", "-")).join((prefix, name)) if draw.chance(0.85) else f"mcp__{prefix}__{name}"
        )
    if turn < 0.45:
        return f"{name}_{draw.one((draw.one(_SUFFIXES), draw.plain_word(), draw.invented_word()))}".replace(" ", "_")
    if turn < 0.6:
        return words[0].lower() + "".join(word.capitalize() for word in words[1:])
    if turn < 0.7:
        return "".join(word.capitalize() for word in words)
    if turn < 0.78:
        return "_".join(words[::-1]).lower()
    if turn < 0.84:
        return "-".join(words).lower()
    return made_up_name(draw)


def made_up_name(draw: Draw) -> str:
    """Make up a name of one to three words that mean nothing, in one of the styles of names."""
    parts = [draw.invented_word() for _ in range(draw.whole(1, 3))]
    turn = draw.random.random()
    if turn < 0.3:
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    if turn < 0.45:
        return "-".join(parts)
    if turn < 0.5:
        return ".".join(parts)
    return "_".join(parts)


def _rename_parameters(draw: Draw, family: Family) -> Family:
    names = {parameter.name: _other_name(draw, parameter.name) for parameter in family.parameters}
    if len(set(names.values())) < len(names):
        return family
    parameters = tuple(replace(parameter, name=names[parameter.name]) for parameter in family.parameters)
    wordings = tuple(re.sub(r"\{(\w+)", lambda found: "{" + names[found[1]], wording) for wording in family.wordings)
    return replace(family, parameters=parameters, wordings=wordings)


def _other_name(draw: Draw, name: str) -> str:
    turn = draw.random.random()
    if turn < 0.4:
        return name
    words = name.split("_")
    if turn < 0.6:
        return words[0] + "".join(word.capitalize() for word in words[1:]) + draw.one(("", "Value", "Arg"))
    if turn < 0.8:
        return f"{name}_{draw.one(('name', 'value', 'arg', 'text', 'input', 'field'))}"
    return re.sub(r"\W", "", draw.invented_word()) or name


def _kind(family: str, name: str, schema: dict[str, str]) -> str:
    if "enum" in schema:
        return "enum"
    by_name = _KIND_OF.get(f"{family}.{name}") or (_KIND_OF.get(name) if schema["type"] == "string" else None)
    small = _KIND_OF.get(name) if schema["type"] == "integer" else None
    kind = by_name or small or _KIND_OF_TYPE.get(schema["type"])
    if kind is None:
        raise ValueError(f"no kind of value is known for {family}.{name}: add it to generate/known.py")
    return kind


def _read_phrasings() -> dict[str, tuple[str, ...]]:
    wordings: dict[str, list[str]] = {}
    for path in sorted(_HERE.glob(_PHRASINGS)):
        name = ""
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith(" "):
                wordings[name].append(line[1:])
            elif line and not line.startswith("#"):
                name = line
                wordings.setdefault(name, [])
    return {name: tuple(lines) for name, lines in wordings.items()}
