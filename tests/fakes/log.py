"""Log: lines kept in memory."""


class FakeLog:
    """Implements the port Log; `lines` are level, event and fields."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, object]]] = []

    def info(self, event: str, **fields: object) -> None:
        self.lines.append(("info", event, fields))

    def warning(self, event: str, **fields: object) -> None:
        self.lines.append(("warning", event, fields))

    def error(self, event: str, **fields: object) -> None:
        self.lines.append(("error", event, fields))

    @property
    def events(self) -> list[str]:
        """Name what was logged, in order."""
        return [event for _, event, _ in self.lines]

    def fields_of(self, event: str) -> dict[str, object]:
        """Give the fields of the only line of this event."""
        (fields,) = (fields for _, each, fields in self.lines if each == event)
        return fields
