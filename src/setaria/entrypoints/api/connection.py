"""Connection: one client's TCP connection, parsed by llhttp into exchanges and answered in order.

States: reading (a request's head or body arrives), answering (a request is whole or refused, its answer goes out), idle
(kept alive between requests), lingering (the last answer is written, what still arrives is thrown away until the client
closes or two seconds pass: closing at once would make the kernel throw the answer away with the unread bytes), closed.
A client may send the next requests early; they wait in `_waiting` and are answered in order. Deadlines are looked at
once a second by the server's tick, never by a timer of their own.
"""

import asyncio
from collections.abc import Callable
from typing import cast

import httptools

from setaria.core.errors import InvalidRequest, SetariaError, SlowRequest, Unavailable
from setaria.entrypoints.api.body_only import BodyOnly
from setaria.entrypoints.api.exchange import Exchange
from setaria.entrypoints.api.head import (
    Header,
    RequestHead,
    body_too_large,
    check_head_size,
    facts_of,
    headers_too_large,
    no_memory,
    read_head,
    slow_body,
    unread_facts,
    unread_head,
)
from setaria.entrypoints.api.host import Host
from setaria.entrypoints.api.known_request import KnownRequest, learn_request
from setaria.entrypoints.api.unread import Unread, send_nowhere

HEAD_TIMEOUT_S = 10.0
BODY_TIMEOUT_S = 30.0
WHOLE_BODY_TIMEOUT_S = 600.0
IDLE_TIMEOUT_S = 75.0
LINGER_TIMEOUT_S = 2.0
PROBES_AFTER_S = (0.03, 0.05)  # the first makes a closed socket answer with a reset, the second finds it
MAX_WAITING_BYTES = 64 * 1024
NEVER_S = float("inf")
_RESTING = httptools.HttpRequestParser(None)  # stands for a parser that is made when it is needed


class Connection(asyncio.Protocol):
    """One connection."""

    def __init__(self, host: Host) -> None:
        self.full, self.peer = False, ""
        self.deadline_s = self._body_deadline_s = NEVER_S
        self._host = host
        self.outbox = host.outbox
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport | None = None
        self.send: Callable[[bytes], None] = send_nowhere  # the transport's own: a step less for each event
        self._target = b""
        self._headers: list[Header] = []
        self._waiting_bytes = self._loose_bytes = 0  # loose: since a head, a piece of a body or a request was whole
        self._known: KnownRequest | None = None
        self._may_learn = True  # until a head was learned that did not come again
        self._incoming: Exchange | None = None
        self._current: Exchange | None = None
        self._waiting: list[Exchange] = []  # seldom more than none; a deque would be the largest thing here
        self._unread = Unread()
        self._reading_head = self._deaf = self._lingering = self._half_closed = self._starved = False

    # ---- asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # asyncio's own signature is wider than what TCP gives
        self.send = self._transport.write
        address = transport.get_extra_info("peername")
        self.peer = address[0] if isinstance(address, tuple) else ""
        self.deadline_s = self._host.now_s() + HEAD_TIMEOUT_S
        if not self._host.welcome(self):
            self._refuse_unread(Unavailable("this server has no room for more connections", retry_after_s=1))

    def data_received(self, data: bytes) -> None:
        """Parse what came."""
        if self._deaf:
            return
        is_fresh = self._current is None and self._incoming is None and not self._loose_bytes
        if is_fresh and self._take_known(data):
            return
        self._loose_bytes += len(data)
        if self._parser is _RESTING:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserCallbackError:
            raise
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError as error:
            self._refuse_unread(InvalidRequest(f"the request is not valid HTTP: {error}"))
        else:
            if self._loose_bytes > self._host.header_limit_bytes:
                self._refuse_unread(headers_too_large(self._host.header_limit_bytes))
            elif is_fresh and self._may_learn:
                self._learn(data)

    def eof_received(self) -> bool:
        """Take the client's word that it sends no more; a request that is whole is still answered."""
        if self._lingering or self._current is None or (self._incoming is not None and not self._deaf):
            self.outbox.flush()  # the last answer may be there
            return False
        self._half_closed = True
        for delay_s in PROBES_AFTER_S:
            asyncio.get_running_loop().call_later(delay_s, self._probe)
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """End."""
        self._transport = None
        self.send = send_nowhere
        self.deadline_s = NEVER_S
        for exchange in (self._current, *self._waiting):
            if exchange is not None:
                self._host.free_memory(exchange.size_bytes)
                exchange.leave()
        self._current = self._incoming = None
        self._waiting.clear()
        self._host.farewell(self)

    def pause_writing(self) -> None:
        """Take the news that the client reads slowly."""
        self.full = True
        if self._current is not None:
            self._current.fill()

    def resume_writing(self) -> None:
        """Take the news that the client has caught up."""
        self.full = False
        if self._current is not None:
            self._current.drain()

    # ---- llhttp's side

    def on_message_begin(self) -> None:
        """Begin a request."""
        if self._deaf:
            return
        self._target, self._headers = b"", []
        self._reading_head = True
        self.deadline_s = self._host.now_s() + HEAD_TIMEOUT_S

    def on_url(self, target: bytes) -> None:
        """Take a part of the request's target."""
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; what comes after a body is none."""
        if self._reading_head:
            self._headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Begin to answer, or let the request wait for its turn."""
        if self._deaf:
            return
        facts = facts_of(self._parser, self._target)
        self._reading_head = False
        try:
            if self._loose_bytes > self._host.header_limit_bytes:
                check_head_size(facts, self._headers, self._host.header_limit_bytes)
            head = read_head(facts, self._headers, self._host.body_limit_bytes)
        except SetariaError as error:
            self._refuse(unread_head(facts), error)
            return
        self._loose_bytes = 0
        exchange = self._incoming = Exchange(self, self._host.new_call_id(), head)
        self._begin_body()
        if self._current is None:
            self._begin(exchange)
        else:
            self._waiting.append(exchange)

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if (exchange := self._incoming) is None or self._deaf:
            return
        if exchange.size_bytes + len(body) > self._host.body_limit_bytes:
            self._fail_body(exchange, body_too_large(self._host.body_limit_bytes))
            return
        exchange.add_body(body)
        self._loose_bytes = 0
        self._await_body()
        self._host.take_memory(self, len(body))
        if exchange is not self._current:
            self._waiting_bytes += len(body)
            if self._waiting_bytes > MAX_WAITING_BYTES:
                self.deadline_s = NEVER_S
                self._pause()

    def on_message_complete(self) -> None:
        """End the request; the parser believes that one which asks for another protocol has no body."""
        if self._incoming is not None and self._parser.should_upgrade() and self._incoming.head.has_body:
            return
        exchange, self._incoming = self._incoming, None
        self._loose_bytes = 0
        if exchange is None or self._deaf:
            return
        self.deadline_s = NEVER_S
        exchange.end_body()
        if len(self._waiting) > 1:
            self._pause()

    # ---- the exchange's side

    @property
    def date(self) -> str:
        """The moment, as HTTP writes it."""
        return self._host.date

    @property
    def may_stay(self) -> bool:
        """Whether the connection may be kept for another request."""
        return not self._deaf and not self._host.stopping and (not self._half_closed or bool(self._waiting))

    def rest(self) -> None:
        """Let the parser and what it read go, unless a request is under way in it."""
        if self._incoming is None and not (self._reading_head or self._loose_bytes or self._deaf):
            self._parser, self._target, self._headers = _RESTING, b"", []

    def exchange_over(self, *, close: bool) -> None:
        """Go on to the next request, or close."""
        exchange, self._current = self._current, None
        if exchange is not None:
            self._host.free_memory(exchange.size_bytes)
        if self._transport is None:
            return
        if close:
            self._close()
        elif self._waiting:
            self._go_on()
        elif not self._reading_head:
            self.deadline_s = self._host.now_s() + IDLE_TIMEOUT_S

    def break_off(self) -> None:
        """Cut the connection."""
        if self._transport is not None:
            self._transport.abort()

    # ---- the server's side

    def tick(self, now_s: float) -> None:
        """End what has taken too long, and let the answer under way know that time has passed."""
        if self._current is not None:
            self._current.tick(now_s)
        if self._transport is None:
            return
        left_bytes = self._transport.get_write_buffer_size()
        if self._unread.is_stuck(left_bytes if self.full or self._current is None else 0, now_s):
            self._transport.abort()
        if self._lingering and left_bytes:  # its two seconds begin when it has all of its answer
            self.deadline_s = now_s + LINGER_TIMEOUT_S
        if now_s < self.deadline_s:
            return
        self.deadline_s = NEVER_S
        if self._lingering:
            self._transport.abort()
        elif self._incoming is not None:
            self._fail_body(self._incoming, no_memory() if self._starved else slow_body())
        elif self._reading_head:
            self._refuse_unread(SlowRequest("the request headers did not arrive in time"))
        elif self._current is None:
            self._transport.close()

    def starve(self, timeout_s: float) -> None:
        """Stop reading until there is memory for bodies again; `timeout_s` later the request is refused."""
        self._starved = True
        self.deadline_s = self._host.now_s() + timeout_s
        self._pause()

    def feed(self) -> None:
        """Read again."""
        self._starved = False
        if self._lingering:
            return
        if self._incoming is not None:
            self._await_body()
        self._resume()

    def stop(self) -> None:
        """Close at once when idle; else the answer under way is the last."""
        if self._transport is not None and self._current is None and self._incoming is None and not self._lingering:
            self._transport.close()

    def shut_down(self) -> None:
        """End the answer under way."""
        if self._current is not None:
            self._current.shut_down()

    # ---- inner steps

    def _take_known(self, data: bytes) -> bool:
        """Take a whole request whose head is known; tells whether it was one."""
        if self._known is None or not (at := self._known.head.find_body(data)):
            return False
        if (size_bytes := len(data) - at) > self._host.body_limit_bytes:
            return False
        self._may_learn = True
        exchange = self._current = Exchange(self, self._host.new_call_id(), self._known.request_of(size_bytes))
        exchange.take_body(data[at:])
        self._host.take_memory(self, size_bytes)
        self.deadline_s = NEVER_S
        self._host.handle(exchange)
        return True

    def _learn(self, data: bytes) -> None:
        """Know the head of a request from now on that came at once, and after which the connection stays."""
        exchange = self._current
        if exchange is not None and exchange.whole and not self._loose_bytes:
            learned = learn_request(data, exchange.head, self._host.known_requests)
            self._known, self._may_learn = learned or self._known, learned is None
            exchange.head = exchange.head if learned is None else learned.request_of(exchange.size_bytes)

    def _begin(self, exchange: Exchange) -> None:
        self._current = exchange
        self._host.handle(exchange)

    def _go_on(self) -> None:
        exchange = self._waiting.pop(0)
        self._waiting_bytes = max(0, self._waiting_bytes - exchange.size_bytes)
        if not self._waiting and not self._starved:
            if self._incoming is not None:
                self._begin_body()
            self._resume()
        self._begin(exchange)

    def _begin_body(self) -> None:
        """Start the clock of a whole body; the time that it waited for its turn is not the client's."""
        now_s = self._host.now_s()
        self._body_deadline_s = now_s + WHOLE_BODY_TIMEOUT_S
        self.deadline_s = now_s + BODY_TIMEOUT_S

    def _await_body(self) -> None:
        """Start the clock of a body's next bytes."""
        self.deadline_s = min(self._host.now_s() + BODY_TIMEOUT_S, self._body_deadline_s)

    def _pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _close(self) -> None:
        """Close, after what the client still sends has been read away."""
        if self._transport is None or self._transport.is_closing():
            return
        if self._half_closed:
            self._transport.close()
            return
        self._deaf = self._lingering = True
        self.deadline_s = self._host.now_s() + LINGER_TIMEOUT_S
        self._transport.write_eof()
        self._resume()

    def _probe(self) -> None:
        """Find out whether a client that sends no more has left for good: a closed socket answers with a reset."""
        current = self._current
        if current is not None and current.head.version == "1.1" and not current.over:
            current.probe()

    def _decline_upgrade(self, rest: bytes) -> None:
        """Stay with HTTP/1.1 when the client offers another protocol, as it allows; its request is the last one here.

        Some clients offer HTTP/2 on each first request, body and all; the parser would leave that body unread.
        """
        if self._incoming is None:
            self._deaf = True
            return
        self._parser = httptools.HttpRequestParser(BodyOnly(self))
        self._parser.feed_data(self._incoming.head.framing)
        self.data_received(rest)

    def _fail_body(self, exchange: Exchange, error: SetariaError) -> None:
        """Refuse a request whose body can't be taken; whoever waits for the body sends the answer."""
        self._deaf = True
        exchange.fail_body(error)

    def _refuse_unread(self, error: SetariaError) -> None:
        """Refuse what can't be parsed, unless it was refused already."""
        if self._deaf:
            return
        if self._incoming is not None:
            self._fail_body(self._incoming, error)
        else:
            self._refuse(unread_head(unread_facts(self._target)), error)

    def _refuse(self, head: RequestHead, error: SetariaError) -> None:
        """Answer with an error and read no more; the answer before it, if one is under way, becomes the last."""
        self._deaf = True
        if self._current is None:
            exchange = self._current = Exchange(self, self._host.new_call_id(), head)
            self._host.refuse(exchange, error)
