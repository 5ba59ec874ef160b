"""Outlet: where the readers of a dialect put what they read, as events."""

from setaria.core.events import Event, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart
from setaria.core.ids import new_tool_call_id


class Outlet:
    """Collects events until they are taken; neighbours of one kind become one event. `calls` counts the tool calls."""

    def __init__(self) -> None:
        self.calls = 0
        self._events: list[Event] = []

    def add_reasoning(self, text: str) -> None:
        """Put more reasoning."""
        events = self._events
        if events and isinstance(last := events[-1], ReasoningDelta):
            events[-1] = ReasoningDelta(last.text + text)
        elif text:
            events.append(ReasoningDelta(text))

    def add_text(self, text: str) -> None:
        """Put more of the answer's text."""
        events = self._events
        if events and isinstance(last := events[-1], TextDelta):
            events[-1] = TextDelta(last.text + text)
        elif text:
            events.append(TextDelta(text))

    def start_call(self, name: str) -> None:
        """Begin the next tool call, with an id of its own."""
        self._events.append(ToolCallStart(self.calls, new_tool_call_id(), name))
        self.calls += 1

    def add_arguments(self, fragment: str) -> None:
        """Put more JSON text of the latest call's arguments."""
        events = self._events
        if events and isinstance(last := events[-1], ToolCallDelta):
            events[-1] = ToolCallDelta(last.index, last.arguments + fragment)
        elif fragment:
            events.append(ToolCallDelta(self.calls - 1, fragment))

    def take(self) -> list[Event]:
        """Give what was collected since the last time."""
        events, self._events = self._events, []
        return events
