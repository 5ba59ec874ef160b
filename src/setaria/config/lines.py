"""Lines: where in a TOML text something is named; tomllib does not tell."""

import re

Path = tuple[str | int, ...]

_HEADER = re.compile(r"\s*(\[\[?)([^\[\]#=]+)\]")
_KEY = re.compile(r"\s*((?:[\w.-]|\"[^\"]*\"|'[^']*'|[ \t])+)=")
_PART = re.compile(r"\"([^\"]*)\"|'([^']*)'|([\w-]+)")


def line_of(text: str, path: Path) -> int:
    """Find the line where a table, one of an array of tables, or a key is named; of what is missing, its table's."""
    best, score, after = 1, 0, len(text)
    found = _named(text)
    for index, (here, offset) in enumerate(found):
        common = min(len(here), len(path))
        if here[:common] == path[:common] and common > score:
            best, score = offset, common
            after = found[index + 1][1] if index + 1 < len(found) else len(text)
    inner = _find_inside(text[best:after], path[score:]) if 0 < score < len(path) else 0
    return text.count("\n", 0, best + inner) + 1 if score else 1


def _named(text: str) -> list[tuple[Path, int]]:
    """Give every path that has a line of its own, with the offset of that line, in order."""
    counts: dict[Path, int] = {}
    table: Path = ()
    named: list[tuple[Path, int]] = []
    offset = 0
    for line in text.split("\n"):
        if header := _HEADER.match(line):
            table = ()
            for part in _parts(header[2]):
                table = _last_of(table, counts)
                table = (*table, part)
            if header[1] == "[[":
                counts[table] = counts.get(table, -1) + 1
            table = _last_of(table, counts)
            named.append((table, offset))
        elif key := _KEY.match(line):
            named.append(((*table, *_parts(key[1])), offset))
        offset += len(line) + 1
    return named


def _last_of(path: Path, counts: dict[Path, int]) -> Path:
    return (*path, counts[path]) if path in counts else path


def _parts(text: str) -> Path:
    return tuple(match[1] or match[2] or match[3] for match in _PART.finditer(text))


def _find_inside(text: str, path: Path) -> int:
    """Find a key within an inline table, or within one of a list of them; gives its offset."""
    offset = 0
    for step in path:
        if isinstance(step, int):
            for _ in range(step + 1):
                offset = text.find("{", offset) + 1
        else:
            key = re.compile(rf"(?<![\w-])[\"']?{re.escape(step)}[\"']?\s*=").search(text, offset)
            offset = key.start() if key else offset
    return offset
