"""Call: one answer under way at the engine.

Theory. What the engine tells of the call is queued by `take` and read in a turn of the loop of its own: so
a defect in reading, or a sink that raises, ends this call and no other. While the sink has asked for a pause, tells
wait in the queue; one that grows too long ends the call. What moves the state:

    event                                    from          to
    `Done` was delivered                     OPEN          OVER
    failed, and all before was delivered     OPEN          OVER, the sink is told
    cancelled                                OPEN, OVER    OVER, the sink hears nothing more

A failure is delivered even in a pause. After OVER the sink is never called.
"""

import asyncio
from collections.abc import Callable
from typing import assert_never

from setaria.adapters.upstreams.local.frames import Counted, Done, Failed, Observed, Piece, Pong, Started, Tell
from setaria.core.dialogue import Dialogue
from setaria.core.errors import (
    CallerError,
    ContextOverflow,
    InternalError,
    InvalidRequest,
    UpstreamBusy,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
)
from setaria.core.events import Event, Finish, FinishReason, UsageReport
from setaria.core.usage import Usage
from setaria.domain.routing.ports import Sink
from setaria.wire.dialects.reader import DialectReader

LIMIT_WAITING_TELLS = 10_000
"""How much may wait for a sink that has paused: more than the longest answer of a small model has."""


class LocalCall:
    """One answer under way; the `Attempt` of who asked for it.

    Takes: stop, which ends the call at the engine and makes it unknown there; harmless when it is.
    """

    def __init__(self, dialogue: Dialogue, sink: Sink, stop: Callable[[], None]) -> None:
        self._dialogue = dialogue
        self._sink = sink
        self._stop = stop
        self._loop = asyncio.get_running_loop()
        self._tells: list[Tell] = []
        self._started: Started | None = None
        self._output_tokens = 0
        self._reader: DialectReader | None = None
        self._failure: UpstreamError | CallerError | None = None
        self._has_said = False
        self._is_due = False
        self._is_paused = False
        self._is_over = False

    def cancel(self) -> None:
        """Stop the call at the engine; the sink hears no more."""
        self._is_over = True
        self._tells = []
        self._stop()

    def pause(self) -> None:
        """Keep what the engine tells until `resume`."""
        self._is_paused = True

    def resume(self) -> None:
        """Deliver what was kept, and what comes."""
        self._is_paused = False
        self._wake()

    def doubt(self) -> str:
        """Tell that nothing is in doubt: the engine counts here."""
        return ""

    def seen_usage(self) -> Usage | None:
        """Tell the tokens that the engine has counted so far; None while it has not read the prompt."""
        started = self._started
        if started is None:
            return None
        reasoning_tokens = 0 if self._reader is None else self._reader.reasoning_tokens
        return Usage(
            input_tokens=started.input_tokens - started.cached_tokens,
            cached_input_tokens=started.cached_tokens,
            output_tokens=self._output_tokens,
            reasoning_tokens=min(reasoning_tokens, self._output_tokens),
        )

    def take(self, tell: Tell) -> None:
        """Queue what the engine told."""
        self._tells.append(tell)
        match tell:
            case Started():
                self._started = tell
            case Piece(tokens=tokens):
                self._output_tokens += tokens
            case Done(output_tokens=output_tokens):
                self._output_tokens = output_tokens
            case _:
                pass
        if len(self._tells) > LIMIT_WAITING_TELLS:
            self.fail(UpstreamCut("the answer was stopped: it came faster than it was taken; read the stream faster"))
            self._stop()
        self._wake()

    def fail(self, error: UpstreamError | CallerError) -> None:
        """End the call with an error, after what was queued before."""
        self._failure = self._failure or error
        self._wake()

    def _wake(self) -> None:
        if not self._is_due:
            self._is_due = True
            self._loop.call_soon(self._deliver)

    def _deliver(self) -> None:
        self._is_due = False
        if self._is_over or (self._is_paused and self._failure is None):
            return
        try:
            self._hand_over()
        except Exception:  # the call ends, and the defect goes on to the loop, which logs where it was
            self.cancel()
            self._sink.fail(InternalError("the answer could not be passed on: a defect in Setaria, see its log"))
            raise

    def _hand_over(self) -> None:
        """Read what was queued and call the sink."""
        tells, self._tells = self._tells, []
        events: list[Event] = []
        for tell in tells:
            events += self._read(tell)
        if events:
            self._has_said = True
            self._sink.receive(events)
        if self._failure is not None and not self._is_over:
            self.cancel()
            self._sink.fail(self._as_cut(self._failure))

    def _as_cut(self, error: UpstreamError | CallerError) -> UpstreamError | CallerError:
        """Call a failure after the first events what it is: a cut."""
        return UpstreamCut(error.message) if self._has_said and isinstance(error, UpstreamFailed) else error

    def _read(self, tell: Tell) -> list[Event]:
        match tell:
            case Started():
                self._reader = self._open_reader(tell)
                return []
            case Piece() if self._reader is not None:
                return self._reader.feed(tell.text, tell.tokens)
            case Done() if self._reader is not None:
                return self._finish(tell, self._reader)
            case Failed():
                self._failure = self._failure or _error_from_failed(tell)
                return []
            case Piece() | Done() | Counted() | Pong() | Observed():
                self._failure = UpstreamFailed(f"the local engine told {type(tell).__name__} out of order")
                return []
            case _:
                assert_never(tell)

    def _open_reader(self, started: Started) -> DialectReader:
        tools = () if self._dialogue.tool_choice.mode == "none" else self._dialogue.tools
        return DialectReader(
            tools,
            thinking=self._dialogue.thinks_first,
            inside_thinking=started.inside_thinking,
            inside_answer=self._dialogue.continues,
        )

    def _finish(self, done: Done, reader: DialectReader) -> list[Event]:
        ended_itself = done.reason == "stop" and not done.stop_sequence
        events = reader.close() if ended_itself else reader.cut()
        reason: FinishReason = "length" if done.reason == "length" else "tool_calls" if reader.calls else "stop"
        usage = self.seen_usage() or Usage()
        return [*events, Finish(reason, done.stop_sequence), UsageReport(usage, "upstream")]


def _error_from_failed(failed: Failed) -> UpstreamError | CallerError:
    match failed.kind:
        case "context":
            return ContextOverflow(failed.input_tokens, failed.context_tokens)
        case "busy":
            return UpstreamBusy(failed.message, retry_after_s=failed.retry_after_s)
        case "invalid":
            return InvalidRequest(failed.message)
        case _:
            return UpstreamFailed(failed.message)
