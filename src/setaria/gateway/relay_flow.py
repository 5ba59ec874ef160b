"""Relay flow: an answer in the caller's own protocol, passed on as it is (the bypass)."""

from functools import partial

import msgspec

from setaria.core.errors import SetariaError
from setaria.core.usage import CountsFrom, Usage
from setaria.domain.routing.ports import RelayAttempt
from setaria.gateway.audience import Audience
from setaria.gateway.flow import NOT_BEGUN, Flow
from setaria.gateway.hold import UNBOUNDED
from setaria.gateway.stages import Routed
from setaria.wire.mould import Mould


class RelayFlow(Flow):
    """Implements the port `RelaySink`."""

    __slots__ = ("_relayed", "_told", "_whole_tokens")

    def __init__(self, routed: Routed, audience: Audience) -> None:
        super().__init__(routed, audience)
        self._relayed: RelayAttempt | None = None
        self._told: Usage | None = None
        self._whole_tokens: int | None = None

    def begin_relay(self, attempt: RelayAttempt) -> None:
        """Take hold of the request under way."""
        self._relayed = self._attempt = attempt
        if self._is_over:
            attempt.cancel()

    def receive(self, data: bytes) -> None:
        """Send on more of a stream."""
        if self._is_over:
            return
        self._has_heard = True
        if self._first_token_s is None:
            self._hear()
        self._pass_on(data)

    def follow(self, mould: Mould) -> None:
        """Let the next events of this form pass."""
        self._shorten(mould, mould.frame)

    def _pass_on(self, data: bytes, said_tokens: int | None = None) -> None:
        """Send on what came, if it is paid for; with it so much was said, None: as much as now."""
        if self._limit_tokens < UNBOUNDED:
            said_tokens = self._said_tokens()[0] if said_tokens is None else said_tokens
            is_paid = said_tokens < self._limit_tokens
            if not is_paid and not self._afford(said_tokens, partial(self._pass_on, data, said_tokens)):
                return
        if self._tail is None:
            self._tail = RelayTail(self._audience)
        self._audience.write(data)
        if self._draining:
            self._drain()

    def finish(self, last: bytes, usage: Usage | None, said_tokens: int) -> None:
        """Take the news that the answer is whole."""
        if self._is_over:
            return
        if self._backlog is not None:
            self._backlog.append(partial(self.finish, last, usage, said_tokens))
            return
        self._hear()
        self._told, self._whole_tokens = usage, said_tokens
        self._end_with(last)
        self._conclude("client_gone" if self._draining else "completed", None)

    def _end_with(self, last: bytes) -> None:
        """Take what is still to be sent."""
        if self._audience.stream:
            self._audience.open()
            self._tail = RelayTail(self._audience, last)
        else:
            self._unsent = last

    def _let_go(self) -> None:
        self._attempt = NOT_BEGUN
        self._relayed = None

    def _told_usage(self) -> tuple[Usage, CountsFrom] | None:
        told, said_tokens = self._told, self._whole_tokens
        if told is not None and (told.output_tokens or not said_tokens):
            return told, "upstream"
        if said_tokens is None:
            return None
        known = told or Usage(self._routed.asked.input_tokens)
        return msgspec.structs.replace(known, output_tokens=said_tokens), "estimate"

    def _said_tokens(self) -> tuple[int, int]:
        return (0 if self._relayed is None else self._relayed.said_tokens), 0


class RelayTail:
    """The end of a relayed stream."""

    __slots__ = ("_audience", "_last")

    def __init__(self, audience: Audience, last: bytes = b"") -> None:
        self._audience = audience
        self._last = last

    def close(self) -> bytes:
        """Give the upstream's own end."""
        return self._last

    def fail(self, error: SetariaError) -> bytes:
        """Give the error as an event."""
        return self._audience.codec.write_error_event(error, self._audience.call_id)
