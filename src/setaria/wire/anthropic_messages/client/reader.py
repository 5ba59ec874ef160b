"""Reader: reads a streamed answer as events."""

from setaria.core.errors import SetariaError, UpstreamCut
from setaria.core.events import Event
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.progress import AnswerProgress
from setaria.wire.anthropic_messages.client.shapes import read_event
from setaria.wire.sse_reader import ServerSentEvent, SseReader


class MessagesReader:
    """Reads one answer; implements `EventReader`.

    An error that comes in one piece with events is told by the next call, so that how the bytes were split makes no
    difference to what is told.
    """

    def __init__(self) -> None:
        self._frames = SseReader()
        self._progress = AnswerProgress()
        self._failure: SetariaError | None = None

    @property
    def usage(self) -> Usage | None:
        """The tokens taken so far, the output by our own estimate until it is told; None before the input is told."""
        return self._progress.usage

    def feed(self, data: bytes) -> list[Event]:
        """Take bytes of the body, however they were split.

        Raises: UpstreamError when the server tells an error in-band or says what is no legal answer; ContextOverflow.
        Cost: hot path, about 3 us an event.
        """
        if self._failure is not None:
            raise self._failure
        events: list[Event] = []
        try:
            self._take(self._frames.feed(data), events)
        except SetariaError as error:
            self._failure = error
            if not events:
                raise
        return events

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
            events += self._progress.take(*read_event(frame.name, frame.data))
