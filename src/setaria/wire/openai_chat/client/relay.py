r"""Relay: reads along while a streamed answer goes to a caller of the same protocol as it is.

Theory. An event of the form of an earlier one (its mould) is only counted. Every other is glanced at, typed and without
the fields that do not matter, which costs less than searching its bytes for marks. Changed are: line ends, which become
`\n`; the server's name of the model, learnt from its first chunk and replaced wherever that exact pair of key and value
stands (inside a JSON string its quotes would be escaped); reasoning under the name `reasoning` alone, which callers
know as `reasoning_content`; the index of a tool call that another call has, and the id of one that has none; a usage
that can't be true. From a finish reason on all is kept back until `close`, or until the model says more after all.
`close` adds a chunk with the usage alone where the server did not end with one, and `[DONE]`; nothing after that mark
crosses. What we can't read is not ours to judge: if it is a JSON object at all it crosses, and counts as one token.
"""

import re

import msgspec

from setaria.core.errors import SetariaError, UpstreamCut, UpstreamFailed
from setaria.core.tokens import estimate_piece
from setaria.core.usage import Usage
from setaria.wire.impossible_usage import find_impossible
from setaria.wire.loose import read_fields
from setaria.wire.mould import Lessons, Mould
from setaria.wire.openai_chat.client.call_places import CallPlaces
from setaria.wire.openai_chat.client.calls import read_arguments
from setaria.wire.openai_chat.client.chunk import (
    CallPiece,
    Choice,
    Chunk,
    NamedChunk,
    read_named,
    read_object,
    read_odd,
)
from setaria.wire.openai_chat.client.errors import read_error_in_band
from setaria.wire.openai_chat.client.reader import DONE
from setaria.wire.openai_chat.client.rewritten import Changes, ShownCall, rewrite
from setaria.wire.openai_chat.client.said import estimate_delta
from setaria.wire.openai_chat.client.usage import complete_usage, read_usage, rewrite_usage
from setaria.wire.sse import write_data
from setaria.wire.sse_reader import EVENT_LIMIT_BYTES, LineEnds, read_data

_GAP = b"\n\n"
_DATA = b"data: "
_DATA_BYTES = len(_DATA)
_SHORTEST_CHUNK_BYTES = len(b'{"choices":[]}')
_MODEL = re.compile(rb'"model"\s*:\s*("(?:[^"\\]|\\.)+")')
_REASONING, _REASONING_CONTENT = b'"reasoning":', b'"reasoning_content":'
_REASONING_NAME = b'"reasoning_content"'
_NOTHING = b"{}"
_HEAD = frozenset({"id", "object", "created", "system_fingerprint"})


class ChatRelay:
    """Reads along one stream; `model` is the public id to show, `input_tokens` the estimate of the prompt.

    An error that comes in one piece with events is told by the next call: first goes out what came before it.

    Order: `feed` any number of times, then `close`, once.
    """

    __slots__ = (
        "_failure",
        "_first",
        "_held",
        "_held_bytes",
        "_input_tokens",
        "_is_done",
        "_learnt",
        "_lessons",
        "_line_ends",
        "_model",
        "_model_pair",
        "_places",
        "_shown_usage",
        "_tail",
        "_told_model",
        "_told_usage",
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
        self._model = msgspec.json.encode(model)
        self._input_tokens = input_tokens
        self._first = _NOTHING  # chunk of the answer
        self._places = CallPlaces()
        self._tail: list[bytes] = []  # events from the finish reason on
        self._told_usage = msgspec.Raw()  # the last one, where it is as it should be
        self._shown_usage: Usage | None = None  # by the last chunk, if that has no choices
        self.doubt = ""
        self._model_pair: tuple[bytes, bytes] | None = None
        self._told_model = msgspec.Raw()
        self._line_ends = LineEnds()
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._is_done = False
        self._failure: SetariaError | None = None
        self._lessons = Lessons()
        self._learnt: Mould | None = None

    def feed(self, data: bytes) -> bytes:
        """Take bytes and give those of whole events to send on.

        Raises: UpstreamError, CallerError when the server tells an error in-band; UpstreamFailed for what is no chunk.
        Cost: 0.5 us for an event of a few characters in the form of the one before, else 2 us; 9 us with usage.
        """
        mould = self.mould
        if mould is not None:
            text = mould.text_in(data)
            if text:
                self.said_tokens += estimate_piece(text)
                return data if mould.frame is None else mould.show(data)
        sent = self._read(data)
        is_clean = not (self._held or self._tail or self._is_done or self._failure or self._line_ends.after_return)
        self.mould = self._learnt if is_clean else None
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
        """Take the news that the body has ended; gives what was kept back, the usage if it was not told, and `[DONE]`.

        Where the server said `[DONE]` after something that means something, and no finish reason, one is written.

        Raises: UpstreamCut when the answer had neither; an error that is still to be told.
        """
        self._tell_failure()
        whole, line_end, _ = b"".join(self._held).rpartition(b"\n")
        sent = self._pass_on([whole]) if line_end else b""
        if not self.finished:
            if not (self._is_done and self.meaningful):
                raise UpstreamCut("the model server broke off in the middle of its answer")
            self.finished = True
            self._tail.append(self._finish_event())
        if self._shown_usage != self._truth():
            self._tail.append(self._usage_event())
        return sent + _join(self._tail) + write_data(DONE)

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
                mould = None if self._tail or self._is_done else self._learnt
                text = "" if mould is None else mould.text_in(event + _GAP)
                if mould is None or not text:
                    self._pass(event, passed)
                else:
                    self.said_tokens += estimate_piece(text)
                    passed.append(mould.show(event + _GAP).removesuffix(_GAP))
        except SetariaError as error:
            self._failure = error
        if not passed:
            self._tell_failure()
        return _join(passed)

    def _pass(self, event: bytes, passed: list[bytes]) -> None:
        """Take one event; adds to those to be passed on what is to be sent for it now."""
        if self._is_done:
            return
        data = event[_DATA_BYTES:] if event.startswith(_DATA) and b"\n" not in event else read_data(event)
        said = data if len(data) >= _SHORTEST_CHUNK_BYTES else data.strip()
        if not said:
            if not self._tail:
                passed.append(event)
            return
        if said == DONE:
            self._is_done = True
            return
        chunk = read_named(data)
        if chunk is None:
            self._pass_odd(event, data, passed)
        else:
            self._pass_chunk(chunk, event, data, passed)

    def _pass_chunk(self, chunk: NamedChunk, event: bytes, data: bytes, passed: list[bytes]) -> None:
        """Glance at one chunk."""
        if (not chunk.choices or len(chunk.error)) and chunk.tells_error:
            if self.finished:
                return
            raise read_error_in_band(data)
        if len(chunk.model) and chunk.model != self._told_model:
            self._learn_model(chunk.model, data)
        choice = chunk.choice
        calls: list[ShownCall] = []
        if choice is not None:
            said_before = self.said_tokens
            calls = self._note(choice)
            if self.said_tokens != said_before and self._tail:
                passed += self._tail
                self._tail.clear()
        thought = "" if choice is None or choice.delta is None else choice.delta.hidden_thought
        usage = self._note_usage(chunk)
        if calls or thought or usage:
            event = self._show(chunk, event, data, Changes(usage, calls, thought))
        else:
            self._learn_mould(chunk, event, event)
            event = event if self._model_pair is None else event.replace(*self._model_pair)
        if self._tail or (choice is not None and choice.finish_reason):
            self._tail.append(event)
        else:
            passed.append(event)

    def _pass_odd(self, event: bytes, data: bytes, passed: list[bytes]) -> None:
        """Let a chunk pass some of whose values are of another type; only the ids and indices of calls are put right.

        An event that we can't read at all passes too, for the caller may understand it. It counts as one token.

        Raises: UpstreamFailed when it is no JSON object.
        """
        try:
            chunk = read_odd(data, NamedChunk)
        except UpstreamFailed:
            self._pass_unread(event, data, passed)
            return
        delta = None if chunk.choice is None else chunk.choice.delta
        if delta is not None and delta.tool_calls:
            data = rewrite(data, "delta", Changes({}, [ShownCall(call.index, call.id) for call in delta.tool_calls]))
            event = _DATA + data
        self._pass_chunk(chunk, event, data, passed)

    def _pass_unread(self, event: bytes, data: bytes, passed: list[bytes]) -> None:
        if read_object(data).get("error"):
            if self.finished:
                return
            raise read_error_in_band(data)
        if self._tail:
            self._tail.append(event)
            return
        self.meaningful = True
        self.said_tokens += 1
        passed.append(event if self._model_pair is None else event.replace(*self._model_pair))

    def _note(self, choice: Choice) -> list[ShownCall]:
        """Note what a choice says; gives how its tool calls are to be shown, none where they are as they came."""
        if choice.finish_reason:
            self.meaningful = self.finished = True
        delta = choice.delta
        if delta is None:
            return []
        if said_tokens := estimate_delta(delta):
            self.meaningful = True
            self.said_tokens += said_tokens
        return self._place_calls(delta.tool_calls) if delta.tool_calls else []

    def _place_calls(self, pieces: list[CallPiece]) -> list[ShownCall]:
        """Give each call an index of its own, and an id; none where all are as they came.

        A call that begins makes what we know of earlier ones' form worthless.
        """
        if any(piece.id or (piece.function and piece.function.name) for piece in pieces):
            self._learnt = None
        shown = [self._places.place(piece) for piece in pieces]
        return [each or ShownCall() for each in shown] if any(shown) else []

    def _show(self, chunk: NamedChunk, event: bytes, data: bytes, changes: Changes) -> bytes:
        """Give an event as callers are shown it: written again, unless it only has reasoning under another name."""
        shown = event
        if not (changes.calls or changes.fields or _REASONING_NAME in event):
            shown = event.replace(_REASONING, _REASONING_CONTENT, 1)
        if shown == event:
            changes.fields["model"] = msgspec.Raw(self._model)
            return _DATA + rewrite(data, "delta", changes)
        self._learn_mould(chunk, event, shown)
        return shown if self._model_pair is None else shown.replace(*self._model_pair)

    def _learn_mould(self, chunk: Chunk, event: bytes, shown: bytes) -> None:
        """Learn the form of an event that says one text, unless it is the one we know."""
        data = event + _GAP
        if self._learnt is not None and self._learnt.text_in(data):
            return
        key, text = chunk.plain_text
        if not text and len(arguments := chunk.plain_arguments) and shown is event:
            key, text = "arguments", read_arguments(arguments)
        mould = self._lessons.learn(data, key, text, self.said_tokens) if text else None
        if mould is None:
            return
        changes = [] if shown is event else [(_REASONING, _REASONING_CONTENT)]
        if self._model_pair is not None:
            changes.append(self._model_pair)
        self._learnt = mould.shown_with(*changes) if changes else mould

    def _learn_model(self, told: msgspec.Raw, data: bytes) -> None:
        """Learn the server's name of the model, which may change from the first chunk to the next."""
        self._told_model = told
        found = _MODEL.search(data)
        if found is None:
            return
        if self._first == _NOTHING:
            self._first = data
        pair = found[0]
        self._model_pair = None if found[1] == self._model else (pair, pair.removesuffix(found[1]) + self._model)

    def _note_usage(self, chunk: Chunk) -> dict[str, msgspec.Raw]:
        """Note a usage, if there is one; gives what is to be told instead where it can't be true, else nothing."""
        if chunk.choices:
            self._shown_usage = None
        told = read_usage(chunk.usage)
        if told is None:
            return {}
        self.usage = told.usage or self.usage
        truth = self._truth()
        is_true = not told.is_odd and truth is self.usage
        self._told_usage = chunk.usage if is_true else msgspec.Raw()
        if told.is_odd:
            self.doubt = find_impossible(msgspec.json.decode(chunk.usage)) or self.doubt
        if not chunk.choices:
            self._shown_usage = truth
        return {} if is_true else {"usage": rewrite_usage(truth)}

    def _usage_event(self) -> bytes:
        """Write the chunk with the usage that the server did not tell, or not at the end."""
        truth = self._truth()
        is_told = truth is self.usage and len(self._told_usage)
        usage = self._told_usage if is_told else rewrite_usage(truth)
        return self._own_event({"choices": msgspec.Raw(b"[]"), "usage": usage})

    def _finish_event(self) -> bytes:
        """Write the chunk with the finish reason that the server did not tell."""
        reason = b"stop" if self._places.is_empty else b"tool_calls"
        return self._own_event({"choices": msgspec.Raw(b'[{"index":0,"delta":{},"finish_reason":"' + reason + b'"}]')})

    def _own_event(self, fields: dict[str, msgspec.Raw]) -> bytes:
        head = {name: raw for name, raw in read_fields(self._first).items() if name in _HEAD}
        return _DATA + msgspec.json.encode(head | fields | {"model": msgspec.Raw(self._model)})

    def _truth(self) -> Usage:
        """Give what the server told so far; what it did not count is our estimate."""
        return complete_usage(self.usage or Usage(self._input_tokens), self.said_tokens)


def _join(events: list[bytes]) -> bytes:
    return b"".join([event + _GAP for event in events])
