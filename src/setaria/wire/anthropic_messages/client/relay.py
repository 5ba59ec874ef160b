r"""Relay: reads along while a streamed answer goes to a caller of the same protocol as it is.

Theory. An event of the form of an earlier one (its mould) is only counted. Every other is glanced at, which is cheap
because only fields that matter are decoded, and passed on as it came. Changed are: line ends, which become `\n`; the
model's name in `message_start`; usage that can't be true or is missing; the index of a block that is not its place; a
call without an id. Once the model has said why it stopped the answer is whole: what comes from there on waits until
`close`, and an error that still comes is passed over. Nothing after the end mark crosses.
"""

from setaria.core.errors import SetariaError, UpstreamCut, UpstreamFailed
from setaria.core.tokens import estimate_piece
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.block_places import BlockPlaces
from setaria.wire.anthropic_messages.client.correction import (
    correct_message_delta,
    correct_message_start,
    identify_call,
    move_block,
)
from setaria.wire.anthropic_messages.client.errors import read_told_error
from setaria.wire.anthropic_messages.client.shapes import ContentBlock, Delta, StreamEvent, read_event
from setaria.wire.anthropic_messages.client.usage import (
    INPUT,
    OUTPUT,
    ToldUsage,
    merge_first_usage,
    merge_usage,
    usage_from_told,
    with_input,
    with_output,
)
from setaria.wire.impossible_usage import find_impossible
from setaria.wire.mould import Lessons, Mould
from setaria.wire.sse import write_event
from setaria.wire.sse_reader import EVENT_LIMIT_BYTES, LineEnds, SseReader

_GAP = b"\n\n"
_NAME, _DATA = b"event: ", b"\ndata: "
_BLOCK = frozenset({"content_block_start", "content_block_delta", "content_block_stop"})
_AFTER_FINISH = frozenset({"message_delta", "message_stop", ""})
_END_MARK = write_event(b"message_stop", b'{"type":"message_stop"}')


class MessagesRelay:
    """Reads along one answer; implements `RelayReader`.

    Until the server tells it, the output of `usage` is 0 and `said_tokens` stands for it; its input is our own estimate
    where the server tells the output alone. An error that comes in one
    piece with events is told by the next call: first goes out what came before it.
    """

    __slots__ = (
        "_ended",
        "_failure",
        "_held",
        "_held_bytes",
        "_input_tokens",
        "_learnt",
        "_lessons",
        "_line_ends",
        "_model",
        "_places",
        "_started",
        "_tail",
        "_told",
        "doubt",
        "finished",
        "meaningful",
        "mould",
        "said_tokens",
        "usage",
    )

    def __init__(self, model: str, input_tokens: int) -> None:
        self.usage: Usage | None = None
        self.meaningful = False
        self.finished = False
        self.said_tokens = 0
        self.mould: Mould | None = None  # the learnt one, while nothing is held back that an event would wait for
        self._model = model
        self._input_tokens = input_tokens
        self._tail: list[bytes] = []  # events from the finish reason on
        self._told = ToldUsage()
        self._places = BlockPlaces()
        self.doubt = ""
        self._line_ends = LineEnds()
        self._held: list[bytes] = []  # an event that is not whole yet
        self._held_bytes = 0
        self._started = self._ended = False
        self._failure: SetariaError | None = None
        self._lessons = Lessons()
        self._learnt: Mould | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes and give those to send on; see `RelayReader.feed`.

        Raises: UpstreamError when the server tells an error in-band or says what is no legal event; CallerError when
        that error is the caller's to mend.
        Cost: hot path, 0.5 us for a delta in the form of the one before, else 2 us.
        """
        mould = self.mould
        if mould is not None:
            text = mould.text_in(data)
            if text:
                self.said_tokens += estimate_piece(text)
                return data
        sent = self._read(data)
        is_clean = not (self._held or self.finished or self._failure or self._line_ends.after_return)
        self.mould = self._learnt if is_clean else None
        return sent

    def _read(self, data: bytes) -> bytes:
        self._tell_failure()
        data = self._line_ends.unify(data)
        if self._held:
            data = self._join_held(data)
        *events, rest = data.split(_GAP)
        if rest:
            self._hold(rest)
        sent: list[bytes] = []
        try:
            for event in events:
                passed = self._pass(event)
                (self._tail if self.finished else sent).append(passed)
        except SetariaError as error:
            self._failure = error
        if not any(sent):
            self._tell_failure()
        return b"".join(sent)

    def close(self) -> bytes:
        """Take the news that the body has ended; gives what is still to be sent, an end mark in any case.

        Raises: UpstreamCut when the answer had no finish reason yet; an error that is still to be told.
        """
        rest = self.feed(b"\n") if self._held and self._held[-1].endswith(b"\n") else b""
        self._tell_failure()
        if not self.finished:
            raise UpstreamCut("the model server broke off in the middle of its answer; send the request again")
        return b"".join((rest, *self._tail, _END_MARK))

    def _tell_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _join_held(self, data: bytes) -> bytes:
        """Put what was held back before the data, where that may have made it whole."""
        if _GAP not in data and not (data.startswith(b"\n") and self._held[-1].endswith(b"\n")):
            return data
        data = b"".join((*self._held, data))
        self._held.clear()
        self._held_bytes = 0
        return data

    def _hold(self, data: bytes) -> None:
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > EVENT_LIMIT_BYTES:
            raise UpstreamFailed(f"the model server sent an event of more than {EVENT_LIMIT_BYTES} bytes")

    def _pass(self, raw: bytes) -> bytes:
        """Glance at one event; gives it as it is to be sent, empty when it is not.

        Raises: UpstreamFailed when it is malformed; what `read_told_error` gives when it is an error.
        """
        if self._ended:
            return b""
        name, data = _split_event(raw)
        if not data:
            return raw + _GAP
        kind, event = read_event(name, data)
        if self.finished and kind not in _AFTER_FINISH:
            return b""
        if kind in _BLOCK:
            return self._pass_block(kind, event, raw, data)
        match kind:
            case "message_start":
                return self._read_start(event, data)
            case "message_delta":
                return self._read_ending(event, data) or raw + _GAP
            case "message_stop":
                self.meaningful = self.finished = self._ended = True
                return b""
            case "error":
                raise read_told_error(event.error)
            case _:
                pass
        return raw + _GAP

    def _pass_block(self, kind: str, event: StreamEvent, raw: bytes, data: bytes) -> bytes:
        """Glance at an event of a block; gives it with the block's place for its index, and an id if it is a call."""
        shown = data
        if kind == "content_block_start":
            place: int | None = self._places.begin(event.index)
            self._read_block(event.content_block)
            if event.content_block is not None and event.content_block.lacks_id:
                shown = identify_call(data)
        else:
            place = self._places.find(event.index)
        if kind == "content_block_delta":
            self._read_delta(event.delta)
            if place == event.index:
                self._learn_mould(event, raw)
        if place != event.index:
            self._learnt = None  # it may be of an earlier block of the same index
            shown = move_block(shown, place)
        return raw + _GAP if shown is data else write_event(kind.encode(), shown)

    def _read_delta(self, delta: Delta | None) -> None:
        said = "" if delta is None else delta.text or delta.thinking or delta.partial_json or ""
        self.said_tokens += estimate_piece(said)
        if not self.meaningful and delta is not None:
            self.meaningful = bool(said or delta.signature)

    def _learn_mould(self, event: StreamEvent, raw: bytes) -> None:
        """Learn the form of a delta that says something, unless it is the one we know."""
        data = raw + _GAP
        if self._learnt is not None and self._learnt.text_in(data):
            return
        key, text = event.plain_text
        if text:
            self._learnt = self._lessons.learn(data, key, text, self.said_tokens) or self._learnt

    def _read_block(self, block: ContentBlock | None) -> None:
        if block is not None and (block.type == "tool_use" or block.text or block.thinking):
            self.meaningful = True

    def _read_start(self, event: StreamEvent, data: bytes) -> bytes:
        if self._started:
            raise UpstreamFailed("the model server began its message a second time")
        self._started = True
        told = event.message.usage if event.message is not None else None
        self._told = merge_first_usage(told)
        self.doubt = find_impossible(told)
        corrected = correct_message_start(data, self._model, (INPUT, OUTPUT), self._note_usage())
        return write_event(b"message_start", corrected)

    def _read_ending(self, event: StreamEvent, data: bytes) -> bytes:
        """Read why the model stopped and what it took; gives the event anew where its usage is odd, else nothing."""
        if event.delta is not None and event.delta.stop_reason:
            self.meaningful = self.finished = True
        self._told = merge_usage(self._told, event.usage)
        self.doubt = find_impossible(event.usage) or self.doubt
        corrected = correct_message_delta(data, (OUTPUT,), self._note_usage())
        return b"" if corrected is None else write_event(b"message_delta", corrected)

    def _note_usage(self) -> Usage:
        """Note what the server has told; gives that with our own estimates in place of what it has not."""
        self.usage = with_input(usage_from_told(self._told, 0), self._input_tokens)
        return with_output(self.usage or Usage(self._input_tokens), self.said_tokens)


def _split_event(raw: bytes) -> tuple[str, bytes]:
    """Give an event's name and data; both empty for one without data."""
    if raw.startswith(_NAME) and raw.count(b"\n") == 1:
        head, _, data = raw.partition(_DATA)
        return head[len(_NAME) :].decode(errors="replace"), data
    frames = SseReader().feed(raw + _GAP)
    return (frames[0].name, frames[0].data) if frames else ("", b"")
