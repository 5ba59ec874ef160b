"""Call section: reads what stands between `<tool_call>` and `</tool_call>`, whichever way the calls are written.

Theory. What moves the state:

    state    `<function=`   `{`     `</tool_call>`   other text
    OPEN     XML            JSON    no call          no call: all of it, `<tool_call>` too, is text
    XML      read by `XmlCall`, then AFTER; a literal it leaves ends the section
    JSON     read by `JsonCall`, then AFTER; a literal it leaves ends the section
    AFTER    XML            JSON    over             over, the text is left to be read (the model forgot the mark)

So a section may hold several calls. White space around them is dropped.
"""

from setaria.wire.dialects.ending import Left
from setaria.wire.dialects.json_calls import JsonCall
from setaria.wire.dialects.markers import CALL, CALL_END, FUNCTION, match_marker
from setaria.wire.dialects.outlet import Outlet
from setaria.wire.dialects.values import ArgumentTypes
from setaria.wire.dialects.xml_calls import XmlCall

_OBJECT = "{"


class CallSection:
    """Reads the calls of one section into the outlet, from what follows its `<tool_call>` on."""

    def __init__(self, outlet: Outlet, types: ArgumentTypes) -> None:
        self._outlet = outlet
        self._types = types
        self._call: XmlCall | JsonCall | None = None
        self._marks: tuple[str, ...] = (FUNCTION, _OBJECT)
        self._calls = outlet.calls
        self._head = CALL
        self._stray = ""
        self._held = ""

    def feed(self, text: str) -> Left | None:
        """Read text up to the end of the section; None while it goes on."""
        text, self._held = self._held + text, ""
        while True:
            call = self._call
            if call is None:
                body = text.lstrip()
                self._head += text[: len(text) - len(body)]
                mark = match_marker(body, self._marks)
                if mark is None:
                    self._held = body
                    return None
                if mark in ("", CALL_END):
                    return self._leave(mark, body)
                call, text = self._open_call(mark, body)
            left = call.feed(text)
            if left is None:
                return None
            self._call = None
            if not self._has_begun:
                return Left(self._stray + self._head + left.literal, left.rest)
            self._expect_next(left.literal)
            text = left.rest

    @property
    def _has_begun(self) -> bool:
        """Whether the latest call has proved to be one."""
        return self._outlet.calls > self._calls

    def _leave(self, mark: str, body: str) -> Left:
        if mark:
            return Left(self._stray, body[len(mark) :])
        if CALL_END in self._marks:
            return Left(self._stray, self._head + body)
        return Left(self._head, body)

    def _open_call(self, mark: str, body: str) -> tuple[XmlCall | JsonCall, str]:
        """Give the reader of the call that begins here, and the text it begins with."""
        if mark == FUNCTION:
            self._call = XmlCall(self._outlet, self._types)
            return self._call, body[len(FUNCTION) :]
        self._call = JsonCall(self._outlet)
        return self._call, body

    def _expect_next(self, stray: str) -> None:
        self._calls = self._outlet.calls
        self._marks = (FUNCTION, _OBJECT, CALL_END)
        self._head = ""
        self._stray += stray

    def close(self) -> str:
        """End where the model ended by itself; gives the text that is no call."""
        return self._end("" if self._call is None else self._call.close())

    def cut(self) -> str:
        """End where the output was cut; gives the text that is no call."""
        return self._end("" if self._call is None else self._call.cut())

    def _end(self, literal: str) -> str:
        if self._call is None:
            return self._stray if CALL_END in self._marks else self._head + self._held
        return self._stray + literal if self._has_begun else self._stray + self._head + literal
