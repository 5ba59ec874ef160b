"""Readings: the four ways in which the body of a good answer becomes what the gateway takes.

An answer is a stream or whole, and it is read as events or relayed as bytes. Each reading tells its sink the end
itself, once: by a usage report, by `finish` or by `fail`. After that it is over and its sink is never called. A sink
that breaks while it is told the end has not taken it, and may be told `fail` after all.
"""

from typing import Protocol

from setaria.core.dialogue import Dialogue
from setaria.core.errors import CallerError, UpstreamCut, UpstreamError, UpstreamFailed
from setaria.core.events import Event, UsageReport
from setaria.core.usage import Usage
from setaria.domain.routing.ports import Failure, RelaySink, Sink
from setaria.wire.impossible_usage import find_impossible_in
from setaria.wire.shortcut import Shortcut
from setaria.wire.upstream_codec import EventReader, RelayReader, UpstreamCodec

BODY_LIMIT_BYTES = 64 * 1024 * 1024

_UNREADABLE = "the model server's answer could not be read to its end"
_UNCOUNTED = "the model server did not tell what its answer took"


class Reading(Protocol):
    """What becomes of a body."""

    is_stream: bool
    is_over: bool

    @property
    def shortcut(self) -> Shortcut | None:
        """By which a part of the body may pass; None where none may."""
        ...

    @property
    def usage(self) -> Usage | None:
        """What the server has counted so far; None when it has not said."""
        ...

    @property
    def doubt(self) -> str:
        """Which of the server's counts can't be true."""
        ...

    @property
    def said_tokens(self) -> int:
        """An estimate of the output tokens so far."""
        ...

    @property
    def said(self) -> int:
        """A number that is 0 until something of the model's came, and another one whenever more has come."""
        ...

    def feed(self, data: bytes) -> None:
        """Take more of the body.

        Raises: UpstreamError, CallerError when what came is no legal answer or an error told in-band.
        """
        ...

    def end(self) -> None:
        """Take the news that the body is whole.

        Raises: UpstreamError when what came is no legal answer.
        """
        ...

    def fail(self, error: Failure) -> None:
        """Take the news that no more comes; what already is whole but for its end is ended well."""
        ...

    def as_whole(self) -> "Reading | None":
        """Give the reading for a whole answer where a stream was asked for; None when only a stream will do."""
        ...


class EventStream:
    """Reads a stream as events."""

    is_stream = True
    said_tokens = 0

    def __init__(self, codec: UpstreamCodec, dialogue: Dialogue, sink: Sink) -> None:
        self.is_over = False
        self.usage: Usage | None = None
        self._codec = codec
        self._dialogue: Dialogue | None = dialogue
        self._sink = sink
        self.shortcut = sink.shortcut
        self._seen: EventReader = codec.open_reader(dialogue)
        self._reader: EventReader | None = self._seen
        self._tells = 0
        self._known_tokens = 0  # of those that took the shortcut

    @property
    def doubt(self) -> str:
        """Which of the server's counts can't be true."""
        return self._seen.doubt

    @property
    def said(self) -> int:
        """How often events were told, and what took the shortcut."""
        return self._tells + self.shortcut.passed_tokens

    def feed(self, data: bytes) -> None:
        """Tell the events that came, all at once."""
        reader, self._reader = self._take_reader(), None  # a reader that has raised is never asked again
        if reader is None or self.is_over:
            return
        events = reader.feed(data)
        if events:
            self._tells += 1
            self._dialogue = None  # it may be long, and is of no more use
            self._tell(events)
        if reader.mould is not None:
            self._sink.follow(reader.mould, reader.like)
        self._reader = reader

    def end(self) -> None:
        """Tell the last events."""
        if self.is_over:
            return
        reader, self._reader = self._take_reader(), None
        if reader is None:
            raise UpstreamCut(_UNREADABLE)
        if events := reader.close():
            self._tell(events)
        self._give_up(UpstreamCut(_UNCOUNTED))

    def fail(self, error: Failure) -> None:
        """Tell the last events if only the end was missing, else the error."""
        try:
            self.end()
        except (UpstreamError, CallerError) as told:
            self._give_up(_truer(told, error))

    def as_whole(self) -> Reading | None:
        """Give the reading for a server that does not stream."""
        return None if self._dialogue is None else EventsAtOnce(self._codec, self._dialogue, self._sink)

    def _take_reader(self) -> EventReader | None:
        """Close the shortcut, and give the reader, which is told what went there."""
        shortcut, reader = self.shortcut, self._reader
        shortcut.close()
        if reader is not None:
            reader.said_tokens += shortcut.passed_tokens - self._known_tokens
            self._known_tokens = shortcut.passed_tokens
        return reader

    def _tell(self, events: list[Event]) -> None:
        last = events[-1]
        if isinstance(last, UsageReport):
            self.usage = last.usage
        self._sink.receive(events)
        self.is_over = self.is_over or isinstance(last, UsageReport)

    def _give_up(self, error: Failure) -> None:
        if not self.is_over:
            self.is_over = True
            self._sink.fail(error)


class EventsAtOnce:
    """Reads a whole answer as events."""

    is_stream = False
    shortcut = None
    said_tokens = 0
    doubt = ""

    def __init__(self, codec: UpstreamCodec, dialogue: Dialogue, sink: Sink) -> None:
        self.is_over = False
        self.usage: Usage | None = None
        self._codec = codec
        self._dialogue = dialogue
        self._sink = sink
        self._body = WholeBody()

    @property
    def said(self) -> int:
        """How much came: of a whole answer every byte is a sign of life."""
        return self._body.size_bytes

    def feed(self, data: bytes) -> None:
        """Keep what came."""
        self._body.add(data)

    def end(self) -> None:
        """Tell all events."""
        body = self._body.join()
        events = self._codec.read_answer(body, self._dialogue)
        self.doubt = find_impossible_in(body)
        self._sink.receive(events)
        self.is_over = True
        if not events or not isinstance(events[-1], UsageReport):
            self._sink.fail(UpstreamCut(_UNCOUNTED))

    def fail(self, error: Failure) -> None:
        """Tell the error."""
        if not self.is_over:
            self.is_over = True
            self._sink.fail(error)

    def as_whole(self) -> None:
        """Give nothing: this is the whole reading already."""


class RelayedStream:
    """Relays a stream, from its first event that means something."""

    __slots__ = ("_at_once", "_held", "_known_tokens", "_reader", "_seen", "_sink", "is_over", "shortcut")

    is_stream = True

    def __init__(
        self, codec: UpstreamCodec, model: str, input_tokens: int, sink: RelaySink, at_once: Reading | None = None
    ) -> None:
        self.is_over = False
        self._at_once = at_once
        self._sink = sink
        self.shortcut = sink.shortcut
        self._seen: RelayReader = codec.open_relay(model, input_tokens)
        self._reader: RelayReader | None = self._seen
        self._held: list[bytes] | None = []
        self._known_tokens = 0  # of those that took the shortcut

    @property
    def usage(self) -> Usage | None:
        """What the server has counted so far; None when it has not said."""
        return self._seen.usage

    @property
    def doubt(self) -> str:
        """Which of the server's counts can't be true."""
        return self._seen.doubt

    @property
    def said_tokens(self) -> int:
        """An estimate of the output tokens so far."""
        return self._seen.said_tokens + self.shortcut.passed_tokens - self._known_tokens

    @property
    def said(self) -> int:
        """What came so far; that the answer is finished counts as something said."""
        return self.said_tokens + self._seen.finished

    def feed(self, data: bytes) -> None:
        """Send on what came."""
        reader, self._reader = self._take_reader(), None  # a reader that has raised is never asked again
        if reader is None:
            return
        data = reader.feed(data)
        if self._held is not None:
            self._held.append(data)
            if reader.meaningful:
                data, self._held = b"".join(self._held), None
                self._sink.receive(data)
        elif data:
            self._sink.receive(data)
        if self._held is None and reader.mould is not None:
            self._sink.follow(reader.mould)
        self._reader = reader

    def end(self) -> None:
        """Tell the end."""
        reader, self._reader = self._take_reader(), None
        if self.is_over:
            return
        if reader is None:
            raise UpstreamCut(_UNREADABLE)
        last = reader.close()
        if self._held:
            last = b"".join(self._held) + last
        self._sink.finish(last, reader.usage, reader.said_tokens)
        self.is_over = True

    def fail(self, error: Failure) -> None:
        """Tell a good end if only the end was missing, else the error."""
        try:
            self.end()
        except (UpstreamError, CallerError) as told:
            self.is_over = True
            self._sink.fail(_truer(told, error))

    def _take_reader(self) -> RelayReader | None:
        """Close the shortcut, and give the reader, which is told what went there."""
        shortcut = self.shortcut
        shortcut.close()
        self._seen.said_tokens += shortcut.passed_tokens - self._known_tokens
        self._known_tokens = shortcut.passed_tokens
        return self._reader

    def as_whole(self) -> Reading | None:
        """Give the reading for a server that does not stream, where the caller does not wait for a stream."""
        return self._at_once


class WholeBody:
    """Collects a body that is of use only when it is whole."""

    size_bytes = 0

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def add(self, data: bytes) -> None:
        """Keep more of it.

        Raises: UpstreamFailed when it gets too long.
        """
        self.size_bytes += len(data)
        if self.size_bytes > BODY_LIMIT_BYTES:
            self._pieces = []
            raise UpstreamFailed(f"the model server's answer is longer than {BODY_LIMIT_BYTES} bytes")
        self._pieces.append(data)

    def join(self) -> bytes:
        """Give it whole."""
        return self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)


class RelayedAtOnce(WholeBody):
    """Relays a whole answer."""

    is_stream = False
    shortcut = None
    is_over = False
    usage: Usage | None = None
    said_tokens = 0
    doubt = ""

    def __init__(self, codec: UpstreamCodec, model: str, dialogue: Dialogue, sink: RelaySink) -> None:
        self._codec = codec
        self._model = model
        self._dialogue = dialogue
        self._sink = sink
        self._pieces = []

    @property
    def said(self) -> int:
        """How much came: of a whole answer every byte is a sign of life."""
        return self.size_bytes

    feed = WholeBody.add

    def end(self) -> None:
        """Send all of it on."""
        body = self.join()
        data, self.usage, self.said_tokens = self._codec.relay_answer(body, self._model, self._dialogue)
        self.doubt = find_impossible_in(body)
        self._sink.finish(data, self.usage, self.said_tokens)
        self.is_over = True

    def fail(self, error: Failure) -> None:
        """Tell the error."""
        if not self.is_over:
            self.is_over = True
            self._sink.fail(error)

    def as_whole(self) -> None:
        """Give nothing: this is the whole reading already."""


def _truer(told: UpstreamError | CallerError, seen: Failure) -> Failure:
    """Choose between what the server told and what we saw: it told more, unless it just broke off."""
    return seen if isinstance(told, UpstreamCut) else told
