"""Scheduler: one thread that owns all rows of a model and lets its calls run together.

A call is *waiting* until a row is free, *loading* while its prompt is read, *ready* while it decodes, and then ended.

    event                                  from                    to
    a row is free                          waiting                 loading
    the whole prompt was read              loading                 ready (or ended, by its first token)
    end token, stop string, limit, error   loading, ready          ended
    cancelled                              any                     ended, and nothing is told

One step: cancel, admit, read one chunk of prompt, decode one token of each ready call, tell. So a long prompt holds a
running answer up for one chunk at a time, and a cancelled call leaves within one step. Chunks go in turn to the prompt
that will be whole soonest and to the one that came first, so a short one need not wait and a long one does not starve.

An answer is the same whatever runs beside it and whatever was read before: the network computes a row the same in any
company, and a token of a prompt the same in any chunk, as long as it is not read alone; so no chunk is a single token.

A call is admitted when its prompt and the beginning of its answer fit into the memory that calls may hold; kept prompts
give way to it. One call always fits. An error ends the calls that it met, not the thread.
"""

import threading
from collections import deque
from dataclasses import dataclass, field

import numpy as np

from setaria.adapters.upstreams.local.engine.call import Call, Outlet, failed_from_error
from setaria.adapters.upstreams.local.engine.guide import Guide, hide_masked
from setaria.adapters.upstreams.local.engine.model import LocalModel
from setaria.adapters.upstreams.local.engine.network import Logits
from setaria.adapters.upstreams.local.engine.prefixes import Prefixes, shared_tokens
from setaria.adapters.upstreams.local.engine.prompt import Prompt
from setaria.adapters.upstreams.local.engine.sampling import Sampler
from setaria.adapters.upstreams.local.engine.slots import Slot, Slots
from setaria.adapters.upstreams.local.engine.text import TextReader
from setaria.adapters.upstreams.local.engine.vocabulary import TokenIds
from setaria.adapters.upstreams.local.frames import Done, ModelFigures, Piece, Started, Tell
from setaria.core.errors import SetariaError

ROWS = 16

_CALL_ERRORS = (SetariaError, RuntimeError, ValueError, TypeError, LookupError, ArithmeticError, MemoryError)
_HELD_BYTES = 32 * 1024 * 1024  # the least that calls and kept prompts may hold together: with all else under 150 MB
_KEPT_ROWS = 32
_EXPECTED_OUTPUT_TOKENS = 256
_CHUNKS = ((2_048, 256), (4_096, 128))  # up to this position, chunks of so many tokens: attention costs ever more
_LAST_CHUNK = 64


@dataclass(slots=True, eq=False)
class Run:
    """A call with all that its answer needs. `token` was drawn last and is read next."""

    call: Call
    prompt: Prompt
    sampler: Sampler
    guide: Guide
    text: TextReader
    token: int = 0
    output_tokens: int = 0
    untold_tokens: int = 0

    @property
    def expected_tokens(self) -> int:
        """Tell how many tokens the row of this call will hold, as far as can be said before."""
        return len(self.prompt.ids) + min(self.prompt.max_output_tokens, _EXPECTED_OUTPUT_TOKENS)


@dataclass(slots=True, eq=False)
class _Row:
    """A run that has a row; the first `cached_tokens` of its prompt were not read anew."""

    run: Run
    slot: Slot
    cached_tokens: int

    @property
    def ids(self) -> TokenIds:
        """The tokens of its prompt."""
        return self.run.prompt.ids

    @property
    def prompt_length(self) -> int:
        """How many tokens of its prompt the row holds."""
        return min(self.slot.length, len(self.ids))

    @property
    def unread_tokens(self) -> int:
        """How many tokens of its prompt are still to be read."""
        return len(self.ids) - self.slot.length

    @property
    def held_tokens(self) -> int:
        """How many tokens the row holds or is expected to."""
        return max(self.slot.length, self.run.expected_tokens)


@dataclass(slots=True)
class _Said:
    """What one step has to tell, by worker."""

    by_outlet: dict[Outlet, list[Tell]] = field(default_factory=dict)

    def add(self, call: Call, tell: Tell) -> None:
        self.by_outlet.setdefault(call.outlet, []).append(tell)


class Scheduler:
    """Runs the calls of one model.

    Order: `run` in a thread of its own, or `step` again and again; `submit` and `stop` from any thread.
    """

    def __init__(self, model: LocalModel, rows: int = ROWS, kept_rows: int = _KEPT_ROWS) -> None:
        self._network = model.network
        self._end_ids = model.end_ids
        self._slots = Slots(model.network.shape, rows, model.context_tokens, kept_rows)
        self._prefixes = Prefixes(self._slots)
        self._limit_tokens = max(_HELD_BYTES // self._slots.token_bytes, model.comfortable_tokens)
        self._waiting: deque[Run] = deque()
        self._loading: list[_Row] = []
        self._ready: list[_Row] = []
        self._soonest_next = True
        self._said = _Said()
        self._wake = threading.Event()
        self._stopped = False
        self._prefilled_tokens = self._reused_tokens = self._decoded_tokens = 0

    @property
    def free_rows(self) -> int:
        """Tell how many rows no call holds."""
        return self._slots.free

    def figures(self, name: str) -> ModelFigures:
        """Tell how busy it is, from any thread; the numbers may be one step apart."""
        return ModelFigures(
            name,
            rows=self._slots.rows,
            loading=len(self._loading),
            ready=len(self._ready),
            kept_tokens=self._prefixes.tokens,
            prefilled_tokens=self._prefilled_tokens,
            reused_tokens=self._reused_tokens,
            decoded_tokens=self._decoded_tokens,
        )

    def submit(self, run: Run) -> None:
        """Let a call wait for its turn."""
        self._waiting.append(run)
        self._wake.set()

    def stop(self) -> None:
        """Let `run` return after the step under way."""
        self._stopped = True
        self._wake.set()

    def run(self) -> None:
        """Take step after step until stopped, sleeping while there is nothing to do."""
        while not self._stopped:
            self._wake.clear()
            if not self.step():
                self._wake.wait()

    def step(self) -> bool:
        """Take one step; False when there was nothing to do."""
        self._cancel()
        self._admit()
        has_work = bool(self._loading or self._ready)
        if self._loading:
            self._load(self._next_loading())
        if self._ready:
            self._decode()
        said, self._said = self._said, _Said()
        for outlet, tells in said.by_outlet.items():
            outlet.deliver(tells)
        return has_work

    def _cancel(self) -> None:
        for row in [row for row in (*self._ready, *self._loading) if row.run.call.cancelled]:
            self._leave(row)

    def _admit(self) -> None:
        while self._slots.free and self._waiting:
            run = self._waiting[0]
            held_tokens = self._held_tokens()
            if held_tokens and held_tokens + run.expected_tokens > self._limit_tokens and not run.call.cancelled:
                break
            self._waiting.popleft()
            if not run.call.cancelled:
                self._loading.append(self._open(run))
        self._make_room(0)

    def _make_room(self, tokens: int) -> None:
        """Let kept prompts give way to what is held and to so many tokens more."""
        limit_tokens = self._limit_tokens - self._held_tokens() - tokens
        while self._prefixes.tokens and self._prefixes.tokens > limit_tokens:
            self._prefixes.drop_oldest()

    def _held_tokens(self) -> int:
        return sum(row.held_tokens for row in (*self._loading, *self._ready))

    def _open(self, run: Run) -> _Row:
        """Give a run a row that begins with what another one, kept or open, has in common with it."""
        ids = run.prompt.ids
        self._prefixes.find(ids)  # what is found is used last, so it gives way last
        self._make_room(run.expected_tokens)
        source, shared = self._prefixes.find(ids)
        for row in (*self._loading, *self._ready):
            tokens = shared_tokens(row.ids[: row.prompt_length], ids)
            if tokens > shared:
                source, shared = row.slot.row, tokens
        shared = max(0, min(shared, len(ids) - 2))
        slot = self._slots.open()
        if shared:
            self._slots.copy(source, slot.row, shared)
            slot.length = shared
            self._reused_tokens += shared
        return _Row(run, slot, shared)

    def _next_loading(self) -> _Row:
        soonest, self._soonest_next = self._soonest_next, not self._soonest_next
        return min(self._loading, key=lambda row: row.unread_tokens) if soonest else self._loading[0]

    def _load(self, row: _Row) -> None:
        """Read the next chunk of a prompt; after its last one the answer's first token is drawn."""
        slot = row.slot
        chunk = row.ids[slot.length : slot.length + _chunk_tokens(slot.length, row.unread_tokens)]
        try:
            logits = self._network.run(
                self._slots.block(slot.row, 1), chunk[None].astype(np.int64), self._slots.mask(slot.row, 1, len(chunk))
            )
            if len(chunk) == row.unread_tokens:
                hide_masked(logits, [row.run.guide])
        except _CALL_ERRORS as error:
            self._fail(row, error)
            return
        slot.length += len(chunk)
        self._prefilled_tokens += len(chunk)
        if not row.unread_tokens:
            self._loading.remove(row)
            self._slots.promote(slot)
            self._ready.append(row)
            self._said.add(row.run.call, _started(row))
            self._continue(row, logits[0])

    def _decode(self) -> None:
        """Read the last token of every ready call in one pass, and draw the next ones."""
        rows = list(self._ready)
        ids = np.zeros((len(rows), 1), dtype=np.int64)
        for row in rows:
            ids[row.slot.row] = row.run.token
        try:
            logits = self._network.run(self._slots.block(0, len(rows)), ids, self._slots.mask(0, len(rows), 1))
            hide_masked(logits, [row.run.guide for row in sorted(rows, key=lambda row: row.slot.row)])
        except _CALL_ERRORS as error:
            for row in rows:
                self._fail(row, error)
            return
        places = [row.slot.row for row in rows]  # as they were in this pass: who ends below moves others
        for row in rows:
            row.slot.length += 1
        for row, place in zip(rows, places, strict=True):
            self._continue(row, logits[place])

    def _continue(self, row: _Row, logits: Logits) -> None:
        """Draw a call's next token and tell what is new, or end the call."""
        try:
            ended = self._draw(row.run, logits)
        except _CALL_ERRORS as error:
            self._fail(row, error)
            return
        if ended is not None:
            self._said.add(row.run.call, ended)
            self._leave(row)

    def _draw(self, run: Run, logits: Logits) -> Done | None:
        token = run.sampler.draw(logits)
        if token in self._end_ids:
            self._tell(run, run.text.close())
            return Done(run.call.id, "stop", run.output_tokens)
        run.guide.take(token)
        run.token = token
        run.output_tokens += 1
        self._decoded_tokens += 1
        run.untold_tokens += 1
        self._tell(run, run.text.feed(token))
        if run.text.stop_sequence:
            return Done(run.call.id, "stop", run.output_tokens, run.text.stop_sequence)
        if run.guide.is_over or run.output_tokens >= run.prompt.max_output_tokens:
            self._tell(run, run.text.close())
            return Done(run.call.id, "stop" if run.guide.is_over else "length", run.output_tokens)
        return None

    def _tell(self, run: Run, text: str) -> None:
        if text:
            self._said.add(run.call, Piece(run.call.id, text, run.untold_tokens))
            run.untold_tokens = 0

    def _fail(self, row: _Row, error: Exception) -> None:
        self._said.add(row.run.call, failed_from_error(row.run.call.id, error))
        self._leave(row)

    def _leave(self, row: _Row) -> None:
        (self._ready if row in self._ready else self._loading).remove(row)
        if self._held_tokens() + row.held_tokens + row.prompt_length <= self._limit_tokens:
            self._make_room(row.held_tokens + row.prompt_length)
            self._prefixes.keep(row.slot.row, row.ids[: row.prompt_length])
        self._slots.close(row.slot)


def _started(row: _Row) -> Started:
    return Started(row.run.call.id, len(row.ids), row.cached_tokens, row.run.prompt.inside_thinking)


def _chunk_tokens(position: int, unread_tokens: int) -> int:
    """Tell how long a chunk from this position on may be; one that would leave a single token takes it along.

    Measured on one core: 256 tokens at position 1,000 take 60 ms and at 8,000 200 ms; so chunked, none over 80 ms.
    """
    tokens = next((tokens for limit, tokens in _CHUNKS if position < limit), _LAST_CHUNK)
    return tokens + 1 if unread_tokens == tokens + 1 else tokens
