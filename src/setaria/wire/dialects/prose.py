"""Prose: tells the model's reasoning from its answer, and both from tool calls.

Theory. The output is reasoning between think marks, and the answer. A mark counts only where it can be meant: `<think>`
before anything of the answer was said; `</think>` once, and outside a block only if a block may be open that we did not
see begin. So an answer that talks about think marks keeps them. What moves the state:

    state        <think>      </think>          <tool_call>    other text
    LEAD         THINK_LEAD   dropped, LEAD     handed over    ANSWER
    THINK_LEAD   dropped      LEAD              handed over    THINKING
    THINKING     text         LEAD              handed over    reasoning
    ANSWER       text         dropped or text   handed over    text

In the two LEAD states only white space has come; it is held back and dropped before a mark. Newlines at the start of
the reasoning and of the answer are dropped, and so is white space at the end of the reasoning. `<tool_call>` is a mark
only when tools are offered. When what follows it proves to be a call, the reasoning or the text ends there (LEAD); when
not, it comes back as a literal and the state stays. Nothing but marks and such white space may ever be lost.
"""

import enum
from collections.abc import Mapping

from setaria.wire.dialects.markers import CALL, THINK, THINK_END, match_marker, split_at_marker
from setaria.wire.dialects.outlet import Outlet


class _State(enum.Enum):
    LEAD = enum.auto()
    THINK_LEAD = enum.auto()
    THINKING = enum.auto()
    ANSWER = enum.auto()


_BODY: Mapping[_State, _State] = {_State.LEAD: _State.ANSWER, _State.THINK_LEAD: _State.THINKING}
_AFTER_MARK: Mapping[tuple[_State, str], _State] = {
    (_State.LEAD, THINK): _State.THINK_LEAD,
    (_State.LEAD, THINK_END): _State.LEAD,
    (_State.THINK_LEAD, THINK): _State.THINK_LEAD,
    (_State.THINK_LEAD, THINK_END): _State.LEAD,
    (_State.THINKING, THINK_END): _State.LEAD,
    (_State.ANSWER, THINK_END): _State.ANSWER,
}


class Prose:
    """Reads reasoning and answer into the outlet and hands tool calls over.

    Takes: calls, whether `<tool_call>` is a mark; thinking, whether the model was asked to think; inside_thinking,
    whether the output starts within an open think block; inside_answer, whether it goes on with text that was begun
    before (ANSWER).
    """

    def __init__(
        self, outlet: Outlet, *, calls: bool, thinking: bool, inside_thinking: bool, inside_answer: bool = False
    ) -> None:
        self._outlet = outlet
        self._calls: tuple[str, ...] = (CALL,) if calls else ()
        start = _State.ANSWER if inside_answer else _State.LEAD
        self._state = _State.THINK_LEAD if inside_thinking else start
        self._thinks = thinking or inside_thinking
        self._may_close = not inside_answer
        self._said = inside_answer
        self._space = ""
        self._held = ""

    @property
    def inside_thinking(self) -> bool:
        """Whether the next text is reasoning."""
        return self._state is _State.THINKING or self._state is _State.THINK_LEAD

    def feed(self, text: str) -> str | None:
        """Read text up to the first `<tool_call>`; gives what follows it, None when all was read."""
        text, self._held = self._held + text, ""
        while True:
            mark, text = self._step(text)
            if mark is None:
                self._held = text
                return None
            if mark == CALL:
                return text
            if mark:
                self._pass_mark(mark)

    def _step(self, text: str) -> tuple[str | None, str]:
        """Read up to the next mark; gives it and what follows, None and what is held back when there is none yet."""
        marks = self._marks()
        if self._state in _BODY:
            body = text.lstrip()
            self._space += text[: len(text) - len(body)]
            mark = match_marker(body, marks)
            if mark == "":
                self._enter_body()
            return mark, body[len(mark or "") :]
        before, mark, after = split_at_marker(text, marks)
        self._put(before)
        return mark or None, after

    def _marks(self) -> tuple[str, ...]:
        marks = self._calls
        if self._state in _BODY:
            marks += (THINK,)
        if self._may_close:
            marks += (THINK_END,)
        return marks

    def _pass_mark(self, mark: str) -> None:
        self._state = _AFTER_MARK[self._state, mark]
        self._space = ""
        self._may_close = mark == THINK
        self._thinks = self._thinks or mark == THINK

    def _enter_body(self) -> None:
        space, self._space = self._space, ""
        if self._state is _State.LEAD:
            self._may_close = self._may_close and self._thinks
        self._state = _BODY[self._state]
        self._put(space if self._said else space.lstrip("\r\n"))

    def _put(self, text: str) -> None:
        if self._state is _State.ANSWER:
            self._said = self._said or text != ""
            self._outlet.add_text(text)
            return
        text = self._space + text
        reasoning = text.rstrip()
        self._space = text[len(reasoning) :]
        self._outlet.add_reasoning(reasoning)

    def add_literal(self, text: str) -> None:
        """Take text that holds no marks, whatever it looks like."""
        if self._state in _BODY:
            self._enter_body()
        self._put(text)

    def end_for_call(self) -> None:
        """End reasoning or text here: a tool call has begun."""
        self._state = _State.LEAD
        self._space = ""

    def close(self) -> None:
        """Take what was held back as the text it is: nothing more comes."""
        held, self._held = self._held, ""
        if held:
            self.add_literal(held)
