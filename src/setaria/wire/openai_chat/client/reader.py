"""Reader: reads a streamed answer as events.

Theory. A chunk of the form of an earlier one (its mould) holds one text and is read as that. All others are read in
full, until `[DONE]` or the end of the body. Finish and usage are told then, not when they are first seen: some servers
give a finish reason with every chunk, or usage several times, and the last one counts. Tool calls that still wait for
something come out before the finish.
"""

import msgspec

from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError, UpstreamCut
from setaria.core.events import Event, ReasoningDelta, Saying, TextDelta
from setaria.core.tokens import estimate_piece
from setaria.core.usage import Usage
from setaria.wire.half_characters import HalfCharacters
from setaria.wire.impossible_usage import find_impossible
from setaria.wire.mould import Lessons, Mould
from setaria.wire.openai_chat.client.chunk import read_chunk
from setaria.wire.openai_chat.client.errors import read_error_in_band
from setaria.wire.openai_chat.client.message import MessageReader
from setaria.wire.openai_chat.client.said import estimate_delta
from setaria.wire.openai_chat.client.usage import read_usage, report_usage
from setaria.wire.sse_reader import ServerSentEvent, SseReader

DONE = b"[DONE]"

_DATA = b"data:"


class ChatReader:
    """Reads one stream.

    An error that comes in one piece with events is told by the next call, so that how the bytes were split makes no
    difference to what is told.

    Order: `feed` any number of times, then `close`, once.
    """

    def __init__(self, dialogue: Dialogue) -> None:
        self.said_tokens = 0
        self.mould: Mould | None = None  # the learnt one, where the next bytes begin with an event
        self._sse = SseReader()
        self._message = MessageReader(dialogue)
        self._halves = HalfCharacters()
        self._usage: Usage | None = None
        self.doubt = ""
        self._is_done = False
        self._is_over = False
        self._failure: SetariaError | None = None
        self._lessons = Lessons()
        self._learnt: Mould | None = None
        self._kind: type[TextDelta | ReasoningDelta] = TextDelta  # what the mould's text is

    @property
    def like(self) -> Saying:
        """What the mould's events are like."""
        return self._kind("")

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes of the body, however they were split.

        Raises: UpstreamError, CallerError when the server tells an error in-band; UpstreamFailed for what is no chunk.
        Cost: 0.6 us for an event in the form of the one before, else 2.5 us; 5 us for a piece of arguments.
        """
        mould = self.mould
        if mould is not None:
            text = mould.text_in(data)
            if text:
                self.said_tokens += estimate_piece(text)
                return [self._kind(text)]
        self._tell_failure()
        events: list[Event] = []
        try:
            frames = self._sse.feed(data)
            self._take(frames, events)
        except SetariaError as error:
            self._failure = error
            if not events:
                raise
            return events
        is_clean = self._message.is_plain and self._sse.is_between_events and not self._is_done
        if events and is_clean and len(frames) == 1 and data.startswith(_DATA):
            self._learn_mould(data, frames[0].data)
        self.mould = self._learnt if is_clean else None
        return events

    def close(self) -> list[Event]:
        """Take the news that the body has ended; an answer with a finish reason is whole, also without `[DONE]`.

        So is one with `[DONE]` after something was said, also without a finish reason.

        Raises: UpstreamCut when the answer had neither; an error that is still to be told.
        """
        self._tell_failure()
        events: list[Event] = []
        self._take(self._sse.close(), events)
        if not (self._message.finished or (self._is_done and self._message.has_begun)):
            raise UpstreamCut("the model server broke off in the middle of its answer")
        return events + self._end()

    def _tell_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _learn_mould(self, data: bytes, chunk: bytes) -> None:
        """Learn the form of an event that says one text, unless it is the one we know."""
        if self._learnt is not None and self._learnt.text_in(data):
            return
        key, text = read_chunk(chunk).plain_text
        mould = self._lessons.learn(data, key, text, self.said_tokens) if text else None
        if mould is not None:
            self._learnt = mould
            self._kind = TextDelta if key == "content" else ReasoningDelta

    def _take(self, frames: list[ServerSentEvent], events: list[Event]) -> None:
        """Add what these frames bring to the events."""
        for frame in frames:
            events += self._read(frame.data)

    def _read(self, data: bytes) -> list[Event]:
        if self._is_done:
            return []
        said = data.strip()
        if not said:
            return []
        if said == DONE:
            self._is_done = True
            return self._end() if self._message.finished or self._message.has_begun else []
        chunk = read_chunk(data, self._halves)
        if chunk.tells_error:
            if self._message.finished:
                return []
            raise read_error_in_band(data)
        told = read_usage(chunk.usage)
        if told is not None and told.usage is not None:
            self._usage = told.usage
        if told is not None and told.is_odd:
            self.doubt = find_impossible(msgspec.json.decode(chunk.usage)) or self.doubt
        choice = chunk.choice
        if choice is None:
            return []
        events: list[Event] = []
        if choice.delta is not None:
            self.said_tokens += estimate_delta(choice.delta)
            events = self._message.add(choice.delta)
        self._message.note_finish(choice)
        return events

    def _end(self) -> list[Event]:
        if self._is_over:
            return []
        self._is_over = True
        events = self._message.close()
        return events if self._usage is None else [*events, report_usage(self._usage, self.said_tokens)]
