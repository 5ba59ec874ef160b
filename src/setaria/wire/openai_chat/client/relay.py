r"""Relay: reads along while a streamed answer goes to a caller of the same protocol as it is.

Theory. An event of the form of an earlier one (its mould) is only counted. Every other is glanced at, typed and without
the fields that do not matter, which costs less than searching its bytes for marks. Changed are: line ends, which become
`\n`; the server's name of the model, learnt from its first chunk and replaced wherever that exact pair of key and value
stands (inside a JSON string its quotes would be escaped); reasoning under the name `reasoning` alone, which callers
know as `reasoning_content`; a usage that can't be true. `[DONE]` waits until `close`, so that what a server forgot can
still be put before it, and nothing after it crosses.
"""

import re

import msgspec

from setaria.core.errors import SetariaError, UpstreamCut, UpstreamFailed
from setaria.core.tokens import estimate_piece
from setaria.core.usage import Usage
from setaria.wire.mould import Lessons, Mould
from setaria.wire.openai_chat.client.chunk import Choice, Chunk, read_chunk
from setaria.wire.openai_chat.client.errors import read_error_in_band
from setaria.wire.openai_chat.client.reader import DONE
from setaria.wire.openai_chat.client.usage import read_usage, rewrite_usage
from setaria.wire.sse import write_data
from setaria.wire.sse_reader import EVENT_LIMIT_BYTES, LineEnds, read_data

_GAP = b"\n\n"
_DATA = b"data: "
_DATA_BYTES = len(_DATA)
_SHORTEST_CHUNK_BYTES = len(b'{"choices":[]}')
_MODEL = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)+")')
_REASONING, _REASONING_CONTENT = b'"reasoning":', b'"reasoning_content":'
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class ChatRelay:
    """Reads along one stream; `model` is the public id to show.

    An error that comes in one piece with events is told by the next call: first goes out what came before it.

    Order: `feed` any number of times, then `close`, once.
    """

    def __init__(self, model: str) -> None:
        self.usage: Usage | None = None
        self.meaningful = False
        self.finished = False
        self.said_tokens = 0
        self._model = msgspec.json.encode(model)
        self._model_pair: tuple[bytes, bytes] | None = None
        self._is_model_known = False
        self._line_ends = LineEnds()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_done = False
        self._failure: SetariaError | None = None
        self._lessons = Lessons()
        self._learnt: Mould | None = None
        self._mould: Mould | None = (
            None  # the same one, while nothing is held back that an event would have to wait for
        )

    def feed(self, data: bytes) -> bytes:
        """Take bytes and give those of whole events to send on.

        Raises: UpstreamError, CallerError when the server tells an error in-band; UpstreamFailed for what is no chunk.
        Cost: 0.5 us for an event of a few characters in the form of the one before, else 2 us; 9 us with usage.
        """
        mould = self._mould
        if mould is not None:
            text = mould.text_in(data)
            if text:
                self.said_tokens += estimate_piece(text)
                return data if mould.is_shown_as_it_is else mould.show(data)
        sent = self._read(data)
        is_clean = not (self._held or self._is_done or self._failure or self._line_ends.after_return)
        self._mould = self._learnt if is_clean else None
        return sent

    def _read(self, data: bytes) -> bytes:
        self._tell_failure()
        data = self._line_ends.unify(data)
        if self._held:
            data = self._join_held(data)
        events = data.split(_GAP)
        if rest := events.pop():
            self._hold(rest)
        return self._pass_on(events) if events else b""

    def close(self) -> bytes:
        """Take the news that the body has ended; gives the last event, if only the blank line is missing, and `[DONE]`.

        Raises: UpstreamCut when the answer had no finish reason yet; an error that is still to be told.
        """
        self._tell_failure()
        whole, line_end, _ = b"".join(self._held).rpartition(b"\n")
        sent = self._pass_on([whole]) if line_end else b""
        if not self.finished:
            raise UpstreamCut("the model server broke off in the middle of its answer")
        return sent + write_data(DONE)

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

    def _pass_on(self, events: list[bytes]) -> bytes:
        passed: list[bytes] = []
        try:
            for event in events:
                kept = self._pass(event)
                if kept is not None:
                    passed.append(kept)
        except SetariaError as error:
            self._failure = error
        if not passed:
            self._tell_failure()
            return b""
        passed.append(b"")
        data = _GAP.join(passed)
        return data if self._model_pair is None else data.replace(*self._model_pair)

    def _pass(self, event: bytes) -> bytes | None:
        """Glance at one event; gives it as it is to be sent, None when it is not."""
        if self._is_done:
            return None
        data = event[_DATA_BYTES:] if event.startswith(_DATA) and b"\n" not in event else read_data(event)
        if not data:
            return event
        if len(data) < _SHORTEST_CHUNK_BYTES and data.strip() == DONE:
            self._is_done = True
            return None
        chunk = read_chunk(data)
        if (not chunk.choices or len(chunk.error)) and chunk.tells_error:
            if self.finished:
                return None
            raise read_error_in_band(data)
        if not self._is_model_known:
            self._learn_model(data)
        choice = chunk.choice
        if choice is not None:
            event = self._note(chunk, choice, event)
        if not len(chunk.usage):
            return event
        told = read_usage(chunk.usage)
        if told is None:
            return event
        self.usage = told.usage or self.usage
        return self._with_usage(data, told.usage) if told.is_odd else event

    def _note(self, chunk: Chunk, choice: Choice, event: bytes) -> bytes:
        """Note what a choice says; gives the event with reasoning under the name that callers know."""
        if choice.finish_reason:
            self.meaningful = self.finished = True
        delta = choice.delta
        if delta is None:
            return event
        said = delta.content or delta.thought or delta.refusal
        if said:
            self.meaningful = True
            self.said_tokens += estimate_piece(said)
        elif delta.calls:
            self.meaningful = True
            self.said_tokens += 1
        shown = event
        if delta.reasoning is not None and delta.thought and _REASONING_CONTENT not in event:
            shown = event.replace(_REASONING, _REASONING_CONTENT, 1)
        if said:
            self._learn_mould(chunk, event, shown)
        return shown

    def _learn_mould(self, chunk: Chunk, event: bytes, shown: bytes) -> None:
        """Learn the form of an event that says one text, unless it is the one we know."""
        data = event + _GAP
        if self._learnt is not None and self._learnt.text_in(data):
            return
        key, text = chunk.plain_text
        mould = self._lessons.learn(data, key, text, self.said_tokens) if text else None
        if mould is None:
            return
        if shown is not event:
            mould = mould.shown_with(_REASONING, _REASONING_CONTENT)
        self._learnt = mould if self._model_pair is None else mould.shown_with(*self._model_pair)

    def _learn_model(self, data: bytes) -> None:
        found = _MODEL.search(data)
        if found is None:
            return
        self._is_model_known = True
        if found[1] != self._model:
            pair = found[0]
            self._model_pair = (pair, pair.removesuffix(found[1]) + self._model)

    def _with_usage(self, data: bytes, usage: Usage | None) -> bytes:
        """Write an event's data again with another usage, as an event without the blank line."""
        changes = {"usage": rewrite_usage(usage), "model": msgspec.Raw(self._model)}
        return _DATA + msgspec.json.encode({**_fields.decode(data), **changes})
