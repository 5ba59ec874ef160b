"""Reader: turns what a raw model writes into events, whichever of the known dialects it writes.

Theory. `Prose` reads reasoning and answer until a `<tool_call>`; a `CallSection` reads on from there; what it leaves
goes back to `Prose`, as a literal where it was no call after all. The reader holds back only what may be the beginning
of a mark, and white space that a mark would end. Whether text comes whole or in pieces makes no difference to what the
events say together.
"""

from setaria.core.dialogue import Tool
from setaria.core.events import Event
from setaria.wire.dialects.call_section import CallSection
from setaria.wire.dialects.outlet import Outlet
from setaria.wire.dialects.prose import Prose
from setaria.wire.dialects.values import ArgumentTypes


class DialectReader:
    """Reads one output; `reasoning_tokens` counts the tokens fed while the output was inside its reasoning.

    Takes: tools, those that were offered (without any, a `<tool_call>` is text); thinking, whether the model was asked
    to think; inside_thinking, whether the prompt ended within a think block, so that the output starts in it;
    inside_answer, whether the prompt ended within the answer's text, so that the output goes on with it to the letter.
    Order: `feed` any number of times; then `close` or `cut`, once.
    """

    def __init__(
        self, tools: tuple[Tool, ...], *, thinking: bool, inside_thinking: bool, inside_answer: bool = False
    ) -> None:
        self.reasoning_tokens = 0
        self._outlet = Outlet()
        self._types = ArgumentTypes(tools)
        self._prose = Prose(
            self._outlet,
            calls=bool(tools),
            thinking=thinking,
            inside_thinking=inside_thinking,
            inside_answer=inside_answer,
        )
        self._section: CallSection | None = None
        self._calls_before = 0

    @property
    def calls(self) -> int:
        """How many tool calls were begun."""
        return self._outlet.calls

    def feed(self, text: str, tokens: int = 0) -> list[Event]:
        """Read more output, which took so many tokens; gives the events that are certain by now."""
        was_inside = self._prose.inside_thinking
        left: str | None = text
        while left is not None:
            left = self._read_prose(left) if self._section is None else self._read_section(self._section, left)
        if was_inside or self._prose.inside_thinking:
            self.reasoning_tokens += tokens
        return self._outlet.take()

    def _read_prose(self, text: str) -> str | None:
        after = self._prose.feed(text)
        if after is not None:
            self._section = CallSection(self._outlet, self._types)
            self._calls_before = self._outlet.calls
        return after

    def _read_section(self, section: CallSection, text: str) -> str | None:
        left = section.feed(text)
        self._end_prose_at_call()
        if left is None:
            return None
        self._section = None
        if left.literal:
            self._prose.add_literal(left.literal)
        return left.rest

    def _end_prose_at_call(self) -> None:
        if self._outlet.calls > self._calls_before:
            self._prose.end_for_call()

    def close(self) -> list[Event]:
        """End where the model ended by itself: a call it left unclosed between two values is whole."""
        if self._section is not None:
            self._end_section(self._section.close())
        self._prose.close()
        return self._outlet.take()

    def cut(self) -> list[Event]:
        """End where the output was cut, by its limit or a stop string: a call that is not whole has no valid JSON."""
        if self._section is not None:
            self._end_section(self._section.cut())
        self._prose.close()
        return self._outlet.take()

    def _end_section(self, literal: str) -> None:
        self._section = None
        self._end_prose_at_call()
        if literal:
            self._prose.add_literal(literal)
