"""Attempt: one call under way at an HTTP model server.

Theory. Where an attempt is says which clock runs. The clocks are looked at by `tick`, a few times a second, so they run
up to two ticks late and cost nothing per event. What moves it:

    phase         left when                               its clock
    waiting       the pool has a place                    the pool's own
    connecting    the connection stands                   connect_s
    silent        the model said something                first_token_s; a whole answer: none
    flowing       it said more (begins anew)              between_tokens_s
    paused        the client reads on                     none: it is not the server's fault
    refusing      the error's body is whole               a few seconds, then the error is told as it is
    draining      the body after the answer's end came    a few seconds, then the connection is closed
    over          never

`total_s` runs from first to last. The sink hears one end, and nothing after a `cancel`. A defect of ours in reading the
answer or taking it ends the attempt as that, not as a fault of the server, and goes on to the loop, which logs where it
was.
"""

import functools
from collections.abc import Mapping
from typing import Literal

from setaria.adapters.upstreams.http.pool import HttpPool
from setaria.adapters.upstreams.http.readings import Reading
from setaria.adapters.upstreams.http.request import Header, Request
from setaria.adapters.upstreams.http.retry_after import read_retry_after
from setaria.core.clock import Clock
from setaria.core.entries import Timeouts
from setaria.core.errors import CallerError, InternalError, UpstreamError, UpstreamFailed, UpstreamTimeout
from setaria.core.usage import Usage
from setaria.domain.routing.ports import Failure
from setaria.wire.upstream_codec import UpstreamCodec

ERROR_BODY_LIMIT_BYTES = 64 * 1024
LAST_WORDS_S = 5.0

_DEFECT = "the answer could not be passed on: a defect in Setaria, see its log"

_OK = 200
_FIRST_ERROR_STATUS = 400
_KIND, _ENCODING = b"content-type", b"content-encoding"
_LENGTHS = frozenset(map(len, (_KIND, _ENCODING)))
_IDENTITY, _JSON = b"identity", b"application/json"

Phase = Literal["waiting", "connecting", "silent", "flowing", "paused", "refusing", "draining", "over"]


class HttpAttempt(Request):
    """One call: the pool's request on one side, the gateway's attempt on the other.

    Takes: clocks, what the call may take of time.
    """

    __slots__ = (
        "_clock",
        "_codec",
        "_name",
        "_reading",
        "_refused",
        "_refused_bytes",
        "_said",
        "_seen_phase",
        "_since_s",
        "_started_s",
        "_timeouts",
        "_under_way",
    )

    def __init__(
        self, pool: HttpPool, codec: UpstreamCodec, reading: Reading, timeouts: Timeouts, clock: Clock
    ) -> None:
        super().__init__(pool, b"", "POST")
        self._name = pool.name
        self._codec = codec
        self._reading = reading
        self.shortcut = reading.shortcut
        self._timeouts = timeouts
        self._clock = clock
        self._under_way: set[HttpAttempt] | None = None
        self._seen_phase: Phase = "waiting"
        self._started_s = self._since_s = clock.monotonic_s()
        self._said = 0
        self._refused: tuple[int, int | None, list[bytes]] | None = None
        self._refused_bytes = 0

    def refuse(self, error: UpstreamError | CallerError) -> None:
        """Tell that the request can't even be sent."""
        if not self._reading.is_over:
            self._reading.fail(error)

    def begin(self, request: bytes, under_way: "set[HttpAttempt]") -> None:
        """Take the request, which is sent next; the attempt is among those under way until nothing is left of it."""
        self.request = request
        self._under_way = under_way
        under_way.add(self)

    def stop(self, error: UpstreamError) -> None:
        """Close the connection and tell the sink why."""
        self._abandon(error)

    # ---- the gateway's side

    @property
    def said_tokens(self) -> int:
        """Estimate the output tokens so far, for a call that ends early."""
        return self._reading.said_tokens

    def seen_usage(self) -> Usage | None:
        """Tell the tokens that the server has counted so far; None when it has not."""
        return self._reading.usage

    def doubt(self) -> str:
        """Name the server's counts that can't be true."""
        return self._reading.doubt

    def cancel(self) -> None:
        """Close the connection, which frees the server's place at once; the sink hears no more."""
        self._reading.is_over = True
        self._close()

    # ---- the pool's side

    def head(self, status: int, headers: list[Header]) -> None:
        """Choose how the body is to be read."""
        if status >= _FIRST_ERROR_STATUS:
            self._refused = (status, read_retry_after(headers, self._clock.now_ms()), [])
            return
        if status != _OK:
            self._abandon(UpstreamFailed(f"{self._name} answered with status {status}; is its base_url right?"))
            return
        kind, encoding = b"", _IDENTITY
        for name, value in headers:
            if len(name) in _LENGTHS:
                lowered = name.lower()
                if lowered == _KIND:
                    kind = value
                elif lowered == _ENCODING:
                    encoding = value
        if encoding != _IDENTITY and encoding.lower() != _IDENTITY:
            self._abandon(UpstreamFailed(f"{self._name} compressed its answer though it was asked not to"))
        elif self._reading.is_stream and kind.lower().startswith(_JSON):
            whole = self._reading.as_whole()
            if whole is None:
                self._abandon(UpstreamFailed(f"{self._name} gave no stream though it was asked for one"))
            else:
                self._reading = whole

    def body(self, data: bytes) -> None:
        """Read more of the answer."""
        if self._refused is not None:
            self._refused_bytes += len(data)
            if self._refused_bytes <= ERROR_BODY_LIMIT_BYTES:
                self._refused[2].append(data)
            return
        try:
            self._reading.feed(data)
        except (UpstreamError, CallerError) as error:
            self._abandon(error)
        except Exception:
            self._abandon(InternalError(_DEFECT))
            raise

    def end(self) -> None:
        """Tell the end."""
        if self._under_way is not None:
            self._under_way.discard(self)
            self._under_way = None
        if self._refused is not None:
            self._tell_refusal()
            return
        try:
            self._reading.end()
        except (UpstreamError, CallerError) as error:
            self._reading.fail(error)
        except Exception:
            self._abandon(InternalError(_DEFECT))
            raise

    def fail(self, error: UpstreamError) -> None:
        """Tell that the connection failed."""
        self._leave()
        if self._refused is not None:
            self._tell_refusal()
        elif not self._reading.is_over:
            self._reading.fail(error)

    # ---- clocks

    def tick(self, now_s: float) -> None:
        """Look at the clocks, and end the attempt when one has run out."""
        phase, said = self._look(), self._reading.said
        if phase != self._seen_phase or said != self._said:
            self._seen_phase, self._since_s, self._said = phase, now_s, said
        limits_s = limits_from_timeouts(self._timeouts, stream=self._reading.is_stream)
        limit_s = limits_s[phase]
        if limit_s and now_s - self._since_s > limit_s:
            self._expire(phase, limit_s)
        elif now_s - self._started_s > limits_s["over"]:
            self._expire("over", limits_s["over"])
        elif phase == "flowing" and self.connection is not None:
            self.connection.rest()

    def _look(self) -> Phase:
        if self.phase != "sent":
            return self.phase
        if self._refused is not None:
            return "refusing"
        if self._reading.is_over:
            return "draining"
        if self.paused:
            return "paused"
        return "flowing" if self._reading.said else "silent"

    def _expire(self, phase: Phase, limit_s: float) -> None:
        self._close()
        if self._refused is not None:
            self._tell_refusal()
        elif not self._reading.is_over:
            self._reading.fail(UpstreamTimeout(f"{self._name} {_EXPIRED[phase].format(limit_s)}"))

    # ---- ends

    def _abandon(self, error: Failure) -> None:
        """Close the connection because of what came on it."""
        self._close()
        if not self._reading.is_over:
            self._reading.fail(error)

    def _tell_refusal(self) -> None:
        if self._refused is not None and not self._reading.is_over:
            status, retry_after_s, pieces = self._refused
            self._reading.fail(self._codec.read_error(status, b"".join(pieces), retry_after_s))

    def _close(self) -> None:
        if self.phase != "over":
            super().cancel()
        self._leave()

    def _leave(self) -> None:
        """Take note that nothing is left."""
        if self._under_way is not None:
            self._under_way.discard(self)
            self._under_way = None


_EXPIRED: dict[Phase, str] = {
    "connecting": "did not accept a connection within {:g} s",
    "silent": "said nothing for {:g} s",
    "flowing": "broke off its answer and stayed silent for {:g} s",
    "over": "did not end its answer within {:g} s",
}


@functools.lru_cache(maxsize=256)
def limits_from_timeouts(timeouts: Timeouts, *, stream: bool) -> Mapping[Phase, float]:
    """Give each phase its limit in seconds, 0 for none; that of `over` is for the whole attempt."""
    return {
        "waiting": 0.0,
        "connecting": timeouts.connect_s,
        "silent": timeouts.first_token_s if stream else 0.0,
        "flowing": timeouts.between_tokens_s,
        "paused": 0.0,
        "refusing": LAST_WORDS_S,
        "draining": LAST_WORDS_S,
        "over": timeouts.total_s,
    }
