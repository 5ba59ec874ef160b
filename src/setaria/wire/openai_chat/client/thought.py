"""Thought: tells reasoning that a server left in the text, as `<think>…</think>` at its beginning, from the answer."""

from setaria.core.events import Event, TextDelta
from setaria.wire.dialects.markers import THINK
from setaria.wire.dialects.reader import DialectReader


class LeadingThought:
    """Reads the text of one answer; unless it begins with `<think>`, text passes as it is.

    Order: `feed` any number of times, then `close`, once.
    """

    def __init__(self) -> None:
        self._is_decided = False
        self._held = ""
        self._reader: DialectReader | None = None

    @property
    def is_passed_by(self) -> bool:
        """Whether all text that still comes is the answer's."""
        return self._is_decided and self._reader is None

    def feed(self, text: str) -> list[Event]:
        """Take more text; gives the events that are certain by now."""
        if not self._is_decided:
            text = self._held + text
            body = text.lstrip()
            if THINK.startswith(body):
                self._held = text
                if body != THINK:
                    return []
            self._held = ""
            self._is_decided = True
            if body.startswith(THINK):
                self._reader = DialectReader((), thinking=True, inside_thinking=False)
        if self._reader is not None:
            return self._reader.feed(text)
        return [TextDelta(text)]

    def skip(self) -> list[Event]:
        """Take the news that the server tells reasoning apart, so that marks in the text are text."""
        self._is_decided = True
        return self._take_held()

    def close(self) -> list[Event]:
        """Give what was held back."""
        return self._take_held() if self._reader is None else self._reader.close()

    def _take_held(self) -> list[Event]:
        held, self._held = self._held, ""
        return [TextDelta(held)] if held else []
