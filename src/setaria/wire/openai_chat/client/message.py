"""Message: turns what a choice says, piece by piece or at once, into events.

Some servers say text or reasoning between two pieces of a call's arguments. It waits until that call is whole, for what
is said does not come back to a call that something else has followed.
"""

from collections.abc import Mapping

from setaria.core.dialogue import Dialogue
from setaria.core.errors import UpstreamFailed
from setaria.core.events import Event, Finish, FinishReason, ReasoningDelta
from setaria.wire.openai_chat.client.calls import CallAssembler
from setaria.wire.openai_chat.client.chunk import Choice, Delta
from setaria.wire.openai_chat.client.thought import LeadingThought

_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
    "content_filter": "content_filter",
    "repetition_truncation": "repetition_truncation",
    "repetition": "repetition_truncation",
}
_BY_ITSELF = frozenset({"stop", "tool_calls"})


class MessageReader:
    """Reads the one message of an answer; `finished`: a finish reason was seen; `has_begun`: something was said.

    Order: `add` and `note_finish` any number of times, then `close`, once.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self.finished = self.has_begun = False
        self._stops = dialogue.sampling.stop
        self._text = LeadingThought()
        self._calls = CallAssembler()
        self._waiting: list[Event] = []  # what was said while a call was open
        self._reason: FinishReason = "stop"
        self._stop_sequence = ""

    @property
    def is_plain(self) -> bool:
        """Whether text that comes next is text, and reasoning is reasoning, told at once, without a second look."""
        return self._text.is_passed_by and not self._calls.is_open

    def add(self, delta: Delta) -> list[Event]:
        """Take more of the message; a refusal is text."""
        events = self._read_said(delta)
        if self._calls.is_open:
            self._waiting += events
            events = []
        if pieces := delta.calls:
            events += self._calls.add(pieces)
            if self._waiting and not self._calls.is_open:
                events += self._waiting
                self._waiting = []
        self.has_begun = self.has_begun or bool(delta.thought or delta.content or delta.refusal or pieces)
        return events

    def note_finish(self, choice: Choice) -> None:
        """Take the finish reason, if there is one; the last one counts.

        Raises: UpstreamFailed when the reason is an error.
        """
        if not choice.finish_reason:
            return
        if choice.finish_reason == "error":
            raise UpstreamFailed("the model server ended the answer with an error")
        self.finished = True
        self._reason = _REASONS.get(choice.finish_reason, "stop")
        told = choice.stop_reason if choice.stop_reason is not None else choice.matched_stop
        self._stop_sequence = told if isinstance(told, str) and told in self._stops else ""

    def close(self) -> list[Event]:
        """Give what was held back, and the finish.

        Raises: UpstreamFailed when a tool call has no name.
        """
        was_open = self._calls.is_open
        said, calls = [*self._waiting, *self._text.close()], self._calls.close()
        reason = self._reason
        if reason in _BY_ITSELF:  # servers say `stop` after calls, and `tool_calls` without one
            reason = "stop" if self._calls.is_empty else "tool_calls"
        return [*(calls + said if was_open else said + calls), Finish(reason, self._stop_sequence)]

    def _read_said(self, delta: Delta) -> list[Event]:
        """Read what a delta says beside calls."""
        events: list[Event] = []
        if thought := delta.thought:
            events += self._text.skip()
            events.append(ReasoningDelta(thought))
        if delta.content:
            events += self._text.feed(delta.content)
        if delta.refusal:
            events += self._text.feed(delta.refusal)
        return events
