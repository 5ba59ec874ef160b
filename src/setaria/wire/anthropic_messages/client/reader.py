"""Reader: reads a streamed answer as events.

Theory. A delta of the form of an earlier one (its mould), while that one's block is open, holds one text and is read as
that. All else is read in full.
"""

from collections.abc import Mapping

from setaria.core.errors import SetariaError, UpstreamCut
from setaria.core.events import Event, Saying
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.progress import AnswerProgress, Block
from setaria.wire.anthropic_messages.client.shapes import read_event
from setaria.wire.half_characters import HalfCharacters
from setaria.wire.mould import Lessons, Mould
from setaria.wire.sse_reader import ServerSentEvent, SseReader

_STARTS = (b"event:", b"data:")
_KINDS: Mapping[str, str] = {"text": "text", "thinking": "thinking", "partial_json": "tool_use"}


class MessagesReader:
    """Reads one answer; implements `EventReader`.

    An error that comes in one piece with events is told by the next call, so that how the bytes were split makes no
    difference to what is told.
    """

    def __init__(self) -> None:
        self.mould: Mould | None = None  # the learnt one, while its block is open and the next bytes begin an event
        self._frames = SseReader()
        self._progress = AnswerProgress()
        self._halves = HalfCharacters()
        self._failure: SetariaError | None = None
        self._lessons = Lessons()
        self._learnt: Mould | None = None
        self._block: Block | None = None  # whose deltas have the learnt form

    @property
    def usage(self) -> Usage | None:
        """The tokens taken so far, the output by our own estimate until it is told; None before the input is told."""
        return self._progress.usage

    @property
    def doubt(self) -> str:
        """Which of the server's counts can't be true."""
        return self._progress.doubt

    @property
    def said_tokens(self) -> int:
        """Our own estimate of the output so far."""
        return self._progress.said_tokens

    @said_tokens.setter
    def said_tokens(self, tokens: int) -> None:
        self._progress.said_tokens = tokens

    @property
    def like(self) -> Saying:
        """What the mould's events are like."""
        return self._progress.say("")

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes of the body, however they were split.

        Raises: UpstreamError when the server tells an error in-band or says what is no legal answer; ContextOverflow.
        Cost: hot path, 0.8 us for a delta in the form of the one before, else about 3 us.
        """
        mould = self.mould
        if mould is not None:
            text = mould.text_in(data)
            if text:
                return [self._progress.go_on(text)]
        if self._failure is not None:
            raise self._failure
        events: list[Event] = []
        try:
            frames = self._frames.feed(data)
            self._take(frames, events)
        except SetariaError as error:
            self._failure = error
            if not events:
                raise
            return events
        is_clean = self._frames.is_between_events
        if events and is_clean and len(frames) == 1 and data.startswith(_STARTS):
            self._learn_mould(data, frames[0])
        self.mould = self._learnt if is_clean and self._block == self._progress.block else None
        return events

    def _learn_mould(self, data: bytes, frame: ServerSentEvent) -> None:
        """Learn the form of a delta of the open block, unless it is the one we know."""
        block = self._progress.block
        if block is None or (self._block == block and self._learnt is not None and self._learnt.text_in(data)):
            return
        key, text = read_event(frame.name, frame.data)[1].plain_text
        mould = self._lessons.learn(data, key, text, self.said_tokens) if _KINDS.get(key) == block[0] else None
        if mould is not None:
            self._learnt, self._block = mould, block

    def close(self) -> list[Event]:
        """Take the news that the body has ended.

        Raises: UpstreamCut when the answer had no finish reason yet; an error that is still to be told.
        """
        if self._failure is not None:
            raise self._failure
        events: list[Event] = []
        self._take(self._frames.close(), events)
        if not self._progress.finished:
            raise UpstreamCut("the model server broke off in the middle of its answer; send the request again")
        return [*events, *self._progress.stop()]

    def _take(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Add what these frames bring to the events."""
        for frame in frames:
            events += self._progress.take(*read_event(frame.name, frame.data, self._halves))
