"""Flow: one attempt to get an answer.

States: silent (nothing that means something came, another deployment may still be asked), flowing, over. The upstream
moves it by what it says and by failing, the client by leaving, the server by shutting down. `over` is entered once, by
whoever comes first; what comes later is ignored. The last bytes are kept back until the call is settled.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import assert_never

import msgspec

from setaria.core.errors import CallerError, OutOfFunds, SetariaError, UpstreamBusy, UpstreamError, UpstreamTimeout
from setaria.core.usage import CountsFrom, Usage
from setaria.domain.ledger.records import Ending
from setaria.domain.routing.ports import Attempt, Failure
from setaria.gateway.audience import Audience
from setaria.gateway.hold import UNBOUNDED
from setaria.gateway.stages import Reply, Routed, Tail
from setaria.wire.frame import Frame
from setaria.wire.mould import Mould
from setaria.wire.shortcut import Shortcut

_REFUSALS = (CallerError, UpstreamBusy)
CLIENT_CLOSED_REQUEST = 499
SLACK_S = 0.5
OK = 200


class NotBegun:
    """The attempt of a flow until there is one; implements `Attempt`."""

    def cancel(self) -> None:
        """Do nothing."""

    def pause(self) -> None:
        """Do nothing."""

    def resume(self) -> None:
        """Do nothing."""

    def seen_usage(self) -> Usage | None:
        """Tell that nothing was counted."""
        return None

    def doubt(self) -> str:
        """Tell that nothing was counted wrongly."""
        return ""


NOT_BEGUN = NotBegun()
_NO_SHORTCUT = Shortcut()  # stays closed: nothing passes of an answer that is read as a whole


class Flow(ABC):
    """What attempts have in common, however their answer is passed on."""

    __slots__ = (
        "_attempt",
        "_audience",
        "_backlog",
        "_began_s",
        "_draining",
        "_first_token_s",
        "_has_heard",
        "_heard_s",
        "_hold",
        "_is_late",
        "_is_over",
        "_is_paused",
        "_limit_tokens",
        "_paid_tokens",
        "_passed_tokens",
        "_routed",
        "_tail",
        "_unsent",
        "ending",
        "error",
        "over",
        "shortcut",
    )

    def __init__(self, routed: Routed, audience: Audience) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._hold = routed.admitted.hold
        self.shortcut = Shortcut() if audience.stream or self._hold.must_stream else _NO_SHORTCUT
        self._routed = routed
        self._audience = audience
        self._began_s = audience.clock.monotonic_s()
        self._limit_tokens = self._hold.limit_tokens
        self.error: SetariaError | None = None
        self.ending: Ending = "completed"
        self._attempt: Attempt = NOT_BEGUN
        self._is_over = self._draining = self._is_paused = self._is_late = False
        self._has_heard = False  # since the last tick, by the long way
        self._passed_tokens = 0  # by the shortcut, up to the last tick
        self._heard_s: float | None = None
        self._first_token_s: float | None = None
        self._unsent = b""
        self._tail: Tail | None = None
        self._paid_tokens: int | None = None
        self._backlog: list[Callable[[], None]] | None = None

    @property
    def may_be_repeated(self) -> bool:
        """Whether it failed before it said anything, through no fault of the caller's, and there is time left."""
        return isinstance(self.error, UpstreamError) and self.is_silent and not self._is_late

    @property
    def is_silent(self) -> bool:
        """Whether nothing that means something has come."""
        return self._first_token_s is None

    def begin(self, attempt: Attempt) -> None:
        """Take hold of the request under way."""
        self._attempt = attempt
        if self._is_over:
            attempt.cancel()

    def fail(self, error: Failure) -> None:
        """Take the news that the upstream gives no more."""
        if self._backlog is not None:
            self._backlog.append(partial(self.fail, error))
        elif isinstance(error, UpstreamTimeout):
            self._end("timeout", error)
        else:
            self._end("upstream_failed" if self.is_silent else "upstream_cut", error)

    def stop(self, ending: Ending, error: SetariaError | None) -> None:
        """End it, for the client left or the server stops; an answer that is to be drained goes on without a client."""
        model = self._routed.asked.model
        if ending == "client_gone" and model.on_client_gone == "drain" and not self.is_silent:
            self._draining = True
            self.shortcut.close()
            self.resume()
        else:
            self._end(ending, error)

    def pause(self) -> None:
        """Let the upstream wait for the client."""
        if not self._draining:
            self._is_paused = True
            self._attempt.pause()

    def resume(self) -> None:
        """Let the upstream go on."""
        self._is_paused = False
        if self._backlog is not None:
            return
        self._heard_s = None if self._heard_s is None else self._audience.clock.monotonic_s()
        self._attempt.resume()

    def tick(self, now_s: float) -> None:
        """End it when the upstream is silent for too long, or the call takes too long in all.

        An upstream may have clocks of its own, which know more: it has `SLACK_S` to end the call by them.
        """
        if self.shortcut.passed_tokens != self._passed_tokens:
            self._passed_tokens = self.shortcut.passed_tokens
            self._has_heard = self._audience.has_written = True
        if self._has_heard:
            self._has_heard = False
            self._heard_s = now_s
        now_s -= SLACK_S
        timeouts = self._routed.asked.model.timeouts
        started_s = self._routed.asked.identified.received.started_s
        if now_s - started_s > timeouts.total_s:
            self._is_late = True
            self.fail(UpstreamTimeout(f"the answer took longer than {timeouts.total_s:g} s"))
        elif self._heard_s is None and self._audience.stream and now_s - self._began_s > timeouts.first_token_s:
            self.fail(UpstreamTimeout(f"the model said nothing for {timeouts.first_token_s:g} s"))
        elif self._heard_s is not None and now_s - self._heard_s > timeouts.between_tokens_s and not self._waits:
            self.fail(UpstreamTimeout(f"the model fell silent for {timeouts.between_tokens_s:g} s"))

    def reply(self, upstream: str, attempts: int) -> Reply:
        """Give the answer that is now over.

        Raises: CallerError, UpstreamBusy when the upstream refused before anything was told to the client.
        """
        error, audience = self.error, self._audience
        if error is not None and self.is_silent and not audience.is_open and isinstance(error, _REFUSALS):
            raise error
        status, unsent, tail = OK, self._unsent, self._tail
        if tail is None and audience.is_open:
            tail = SilentTail(audience)
        if tail is not None:
            unsent += tail.fail(error) if error is not None else b""
        elif error is not None:
            status, unsent = audience.codec.write_error(error, audience.call_id)
        elif self.ending == "client_gone":
            status = CLIENT_CLOSED_REQUEST
        usage, counts_from = self._usage()
        said_tokens, doubt = self._said_tokens()[0], self._attempt.doubt()
        self._let_go()
        started_s = self._routed.asked.identified.received.started_s
        return Reply(
            routed=self._routed,
            upstream=upstream,
            attempts=attempts,
            ending=self.ending,
            status=status,
            usage=usage,
            counts_from=counts_from,
            said_tokens=said_tokens,
            first_token_ms=None if self._first_token_s is None else round((self._first_token_s - started_s) * 1000),
            tail=tail,
            unsent=unsent,
            error=error,
            doubt=doubt,
        )

    def _let_go(self) -> None:
        """Forget the attempt, which knows its flow: what points in a circle waits for the garbage collector."""
        self._attempt = NOT_BEGUN

    # ---- what is said must be paid for

    @property
    def _waits(self) -> bool:
        """Whether it is not the upstream's fault that nothing comes."""
        return self._is_paused or self._backlog is not None

    def _afford(self, said_tokens: int, deliver: Callable[[], None]) -> bool:
        """Tell whether what was said may be delivered now.

        What has to wait for funds is delivered later, in order; what they do not suffice for ends the call.
        Order: whenever `_limit_tokens` are said or more.
        """
        if self._backlog is not None:
            self._backlog.append(deliver)
            return False
        match self._hold.cover(said_tokens, self._wake):
            case "covered":
                self._limit_tokens = self._hold.limit_tokens
                return True
            case "waiting":
                self._backlog = [deliver]
                self._limit_tokens = 0
                self._attempt.pause()
            case "exhausted":
                self._paid_tokens = self._hold.limit_tokens
                self._run_out()
            case _ as never:
                assert_never(never)
        return False

    def _wake(self) -> None:
        """Go on where the call had to wait for funds; they came, or they will not."""
        self._limit_tokens = self._hold.limit_tokens
        backlog, self._backlog = self._backlog, None
        if backlog is None:
            return
        if not self._is_paused:
            self.resume()
        for deliver in backlog:
            if not self.over.done():
                deliver()

    def _run_out(self) -> None:
        """End it for want of funds."""
        self._end("out_of_funds", OutOfFunds(f"the answer ends here: {self._hold.shortage}"))

    @abstractmethod
    def _told_usage(self) -> tuple[Usage, CountsFrom] | None:
        """Give what the upstream says the call took, None when it has not said."""

    @abstractmethod
    def _said_tokens(self) -> tuple[int, int]:
        """Estimate the output tokens that came, and how many of them were reasoning."""

    def _shorten(self, mould: Mould, frame: Frame | None) -> None:
        """Let the next events of this form pass, as long as they are paid for and somebody listens."""
        send_chunk = self._audience.send_chunk
        if send_chunk is None or self._is_over or self._draining:
            return
        limit_tokens = self._limit_tokens
        room_tokens = limit_tokens if limit_tokens == UNBOUNDED else limit_tokens - self._said_tokens()[0]
        self.shortcut.open(mould, frame, send_chunk, room_tokens)

    def _hear(self) -> None:
        """Note that something that means something came; when, but for the first, is left to `tick`."""
        self._has_heard = True
        if self._first_token_s is None:
            self._first_token_s = self._heard_s = self._audience.clock.monotonic_s()
            if self._audience.stream:
                self._routed.asked.forget_prompt()

    def _complete(self) -> None:
        """End an answer that is whole; one whose client has left ends as that."""
        self._conclude("client_gone" if self._draining else "completed", None)

    def _drain(self) -> None:
        """Stop reading an answer without a client when enough of it was read."""
        if self._said_tokens()[0] >= self._routed.asked.model.drain_tokens:
            self._end("client_gone", None)

    def _end(self, ending: Ending, error: SetariaError | None) -> None:
        if not self._is_over:
            self._conclude(ending, error)
            self._attempt.cancel()

    def _conclude(self, ending: Ending, error: SetariaError | None) -> None:
        """Enter the state `over`; an answer that is whole leaves its connection as it is, for the next call."""
        self._is_over = True
        if self.shortcut is not _NO_SHORTCUT:
            self.shortcut.close()
        self.ending, self.error = ending, error
        self.over.set_result(None)

    def _usage(self) -> tuple[Usage, CountsFrom]:
        """Tell what the call took: the upstream's own count, else what it has said so far, else our estimate.

        An upstream may have counted the input only; then the output is our estimate.
        """
        usage, counts_from = self._told_usage() or self._count_usage()
        if self._paid_tokens is not None and usage.output_tokens > self._paid_tokens:
            output_tokens = self._paid_tokens  # more came in one piece, which nobody was given
            reasoning_tokens = min(usage.reasoning_tokens, output_tokens)
            return msgspec.structs.replace(
                usage, output_tokens=output_tokens, reasoning_tokens=reasoning_tokens
            ), counts_from
        return usage, counts_from

    def _count_usage(self) -> tuple[Usage, CountsFrom]:
        seen = self._attempt.seen_usage()
        if seen is not None and (self.is_silent or seen.output_tokens):
            return seen, "upstream"
        if self.is_silent:
            return Usage(), "estimate"
        known = seen or Usage(input_tokens=self._routed.asked.input_tokens)
        output_tokens, reasoning_tokens = self._said_tokens()
        return (
            msgspec.structs.replace(known, output_tokens=output_tokens, reasoning_tokens=reasoning_tokens),
            "estimate",
        )


class SilentTail:
    """The end of a stream that was only kept alive."""

    def __init__(self, audience: Audience) -> None:
        self._audience = audience

    def close(self) -> bytes:
        """Give nothing: there was no answer."""
        return b""

    def fail(self, error: SetariaError) -> bytes:
        """Give the error as an event."""
        return self._audience.codec.write_error_event(error, self._audience.call_id)
