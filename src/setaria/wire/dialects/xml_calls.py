"""XML calls: reads `<function=NAME><parameter=ARG>VALUE</parameter></function>` as MiMo and Qwen3-Coder write it.

Theory. A call is begun in the outlet when its first parameter's name is whole, or when it ends without any; until then
whatever does not fit makes all of it text. From then on it stays a call, and what does not fit follows it as text. What
moves the state:

    state        reads                       then
    NAME         NAME `>`                    BETWEEN
                 anything else               all of it is text
    BETWEEN      white space                 BETWEEN
                 `<parameter=`               ARGUMENT
                 `</function>`               over
                 `</tool_call>`              over, the mark is left to be read (the model forgot `</function>`)
                 other text, not begun       all of it is text
                 other text, begun           kept to follow the call
    ARGUMENT     NAME `>`                    VALUE; begins the call
                 anything else               as other text in BETWEEN
    VALUE        text up to `</parameter>`   BETWEEN

The raw value loses one newline at its start and one at its end. Strings go out while they come in, other types when
they are whole. The argument text is closed, and thereby valid JSON, only where the model ended the call, or ended its
output by itself between two values; an output that was cut leaves it open, so that nobody runs half a call.
"""

import enum
import re
from collections.abc import Callable, Mapping

from setaria.wire.dialects.ending import Left
from setaria.wire.dialects.markers import (
    CALL_END,
    FUNCTION,
    FUNCTION_END,
    PARAMETER,
    PARAMETER_END,
    match_marker,
    split_at_marker,
)
from setaria.wire.dialects.outlet import Outlet
from setaria.wire.dialects.values import STRING, UNKNOWN, ArgumentTypes, escape, json_from_raw

_NAME = re.compile(r"[^<>\n]{0,256}")
_MARKS = (PARAMETER, FUNCTION_END, CALL_END)


class _State(enum.Enum):
    NAME = enum.auto()
    BETWEEN = enum.auto()
    ARGUMENT = enum.auto()
    VALUE = enum.auto()
    OVER = enum.auto()


class XmlCall:
    """Reads one call into the outlet, from what follows its `<function=` on."""

    def __init__(self, outlet: Outlet, types: ArgumentTypes) -> None:
        self._outlet = outlet
        self._types = types
        self._state = _State.NAME
        self._held = ""
        self._name = ""
        self._begun = False
        self._literal = FUNCTION
        self._value_types = UNKNOWN
        self._value: list[str] = []
        self._value_begun = False
        self._steps: Mapping[_State, Callable[[str], str | None]] = {
            _State.NAME: self._read_name,
            _State.BETWEEN: self._read_between,
            _State.ARGUMENT: self._read_argument,
            _State.VALUE: self._read_value,
        }

    def feed(self, text: str) -> Left | None:
        """Read text up to the end of the call; None while it goes on."""
        text, self._held = self._held + text, ""
        while self._state is not _State.OVER:
            after = self._steps[self._state](text)
            if after is None:
                return None
            text = after
        return Left(self._literal, text)

    def _read_name(self, text: str) -> str | None:
        name, end = _match_name(text)
        if end == len(text):
            self._held = text
            return None
        if name is None:
            return self._give_up(text, end)
        self._name = name
        self._literal += text[: end + 1]
        self._state = _State.BETWEEN
        return text[end + 1 :]

    def _read_between(self, text: str) -> str | None:
        if self._begun:
            before, mark, after = split_at_marker(text, _MARKS)
            self._literal += before
            if mark:
                return self._pass_mark(mark, after)
            self._held = after
            return None
        body = text.lstrip()
        self._literal += text[: len(text) - len(body)]
        begins_with = match_marker(body, _MARKS)
        if begins_with is None:
            self._held = body
            return None
        return self._pass_mark(begins_with, body[len(begins_with) :]) if begins_with else self._give_up(body, 0)

    def _pass_mark(self, mark: str, after: str) -> str:
        if mark == PARAMETER:
            self._state = _State.ARGUMENT
            return after
        self._finish()
        return after if mark == FUNCTION_END else mark + after

    def _read_argument(self, text: str) -> str | None:
        argument, end = _match_name(text)
        if end == len(text):
            self._held = text
            return None
        if argument is None:
            self._literal += PARAMETER
            return self._give_up(text, end)
        self._add_argument_name(argument)
        self._value_types = self._types.find(self._name, argument)
        if self._value_types == STRING:
            self._outlet.add_arguments('": "')
        else:
            self._outlet.add_arguments('": ')
        self._value = []
        self._value_begun = False
        self._state = _State.VALUE
        return text[end + 1 :]

    def _add_argument_name(self, argument: str) -> None:
        if self._begun:
            self._outlet.add_arguments(f', "{escape(argument)}')
        else:
            self._begin()
            self._outlet.add_arguments(f'{{"{escape(argument)}')

    def _read_value(self, text: str) -> str | None:
        before, mark, after = split_at_marker(text, (PARAMETER_END,))
        if before and not self._value_begun:
            self._value_begun = True
            before = before.removeprefix("\n")
        self._value.append(before)
        if mark:
            raw = "".join(self._value).removesuffix("\n")
            if self._value_types == STRING:
                self._outlet.add_arguments(escape(raw) + '"')
            else:
                self._outlet.add_arguments(json_from_raw(raw, self._value_types))
            self._state = _State.BETWEEN
            return after
        if self._value_types == STRING:
            value = "".join(self._value)
            certain = value.removesuffix("\n")
            self._outlet.add_arguments(escape(certain))
            self._value = [value[len(certain) :]]
        self._held = after
        return None

    def _give_up(self, text: str, end: int) -> str:
        """Take text up to `end` as literal; without a begun call, so is all before it."""
        self._literal += text[:end]
        self._state = _State.BETWEEN if self._begun else _State.OVER
        return text[end:]

    def _begin(self) -> None:
        self._outlet.start_call(self._name)
        self._begun = True
        self._literal = ""

    def _finish(self) -> None:
        if self._begun:
            self._outlet.add_arguments("}")
        else:
            self._begin()
            self._outlet.add_arguments("{}")
        self._literal = self._literal.strip()
        self._state = _State.OVER

    def close(self) -> str:
        """End where the model ended by itself; a call between two values is whole. Gives what is no call."""
        if self._state is _State.BETWEEN and not self._held:
            self._finish()
            return self._literal
        return self.cut()

    def cut(self) -> str:
        """End where the output was cut: the arguments stay open. Gives what is no call."""
        match self._state:
            case _State.NAME:
                self._literal += self._held
            case _State.ARGUMENT:
                self._add_argument_name(self._held)
            case _State.VALUE:
                quote = "" if self._value_types == STRING else '"'
                self._outlet.add_arguments(quote + escape("".join((*self._value, self._held))))
            case _:
                self._leave_open()
        return self._literal.strip() if self._begun else self._literal

    def _leave_open(self) -> None:
        if not self._begun:
            self._begin()
            self._outlet.add_arguments("{")


def _match_name(text: str) -> tuple[str | None, int]:
    """Read a name that `>` ends; gives it, None when it is none, and how far it goes, all of text when undecided."""
    found = _NAME.match(text)
    end = found.end() if found else 0
    name = text[:end].strip()
    return (name if name and text[end : end + 1] == ">" else None), end
