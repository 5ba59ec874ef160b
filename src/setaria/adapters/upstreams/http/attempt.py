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

`total_s` runs from first to last. The sink hears one end, and nothing after a `cancel`.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Literal

from setaria.adapters.upstreams.http.pool import HttpPool
from setaria.adapters.upstreams.http.readings import Reading
from setaria.adapters.upstreams.http.request import Header, PooledRequest
from setaria.adapters.upstreams.http.retry_after import read_retry_after
from setaria.core.clock import Clock
from setaria.core.entries import Timeouts
from setaria.core.errors import CallerError, UpstreamError, UpstreamFailed, UpstreamTimeout
from setaria.core.usage import Usage
from setaria.wire.upstream_codec import UpstreamCodec

ERROR_BODY_LIMIT_BYTES = 64 * 1024
LAST_WORDS_S = 5.0

_OK = 200
_FIRST_ERROR_STATUS = 400

Phase = Literal["waiting", "connecting", "silent", "flowing", "paused", "refusing", "draining", "over"]


class HttpAttempt:
    """One call; the pool's sink on one side, the gateway's attempt on the other."""

    def __init__(
        self, pool: HttpPool, codec: UpstreamCodec, reading: Reading, limits_s: Mapping[Phase, float], clock: Clock
    ) -> None:
        self._name = pool.name
        self._pool = pool
        self._codec = codec
        self._reading = reading
        self._limits_s = limits_s
        self._clock = clock
        self._request: PooledRequest | None = None
        self._on_over: Callable[[HttpAttempt], None] | None = None
        self._phase: Phase = "waiting"
        self._started_s = self._since_s = clock.monotonic_s()
        self._said = 0
        self._refused: tuple[int, int | None, list[bytes]] | None = None
        self._refused_bytes = 0

    def refuse(self, error: UpstreamError | CallerError) -> None:
        """Tell that the request can't even be sent."""
        if not self._reading.is_over:
            self._reading.fail(error)

    def begin(self, request: bytes, on_over: Callable[["HttpAttempt"], None]) -> None:
        """Send the request; `on_over` is told once, when nothing is left of the attempt."""
        self._on_over = on_over
        self._request = self._pool.send(request, "POST", self)

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

    def cancel(self) -> None:
        """Close the connection, which frees the server's place at once; the sink hears no more."""
        self._reading.is_over = True
        self._close()

    def pause(self) -> None:
        """Stop reading; the server feels it when its buffers are full."""
        if self._request is not None:
            self._request.pause()

    def resume(self) -> None:
        """Read again."""
        if self._request is not None:
            self._request.resume()

    # ---- the pool's side

    def head(self, status: int, headers: list[Header]) -> None:
        """Choose how the body is to be read."""
        if status >= _FIRST_ERROR_STATUS:
            self._refused = (status, read_retry_after(headers, self._clock.now_ms()), [])
            return
        if status != _OK:
            self._abandon(UpstreamFailed(f"{self._name} answered with status {status}; is its base_url right?"))
            return
        kinds = {name.lower(): value.lower() for name, value in headers}
        if kinds.get(b"content-encoding", b"identity") != b"identity":
            self._abandon(UpstreamFailed(f"{self._name} compressed its answer though it was asked not to"))
        elif self._reading.is_stream and kinds.get(b"content-type", b"").startswith(b"application/json"):
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

    def end(self) -> None:
        """Tell the end."""
        self._leave()
        if self._refused is not None:
            self._tell_refusal()
            return
        try:
            self._reading.end()
        except (UpstreamError, CallerError) as error:
            self._reading.fail(error)

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
        if phase != self._phase or said != self._said:
            self._phase, self._since_s, self._said = phase, now_s, said
        limit_s = self._limits_s[phase]
        if limit_s and now_s - self._since_s > limit_s:
            self._expire(phase, limit_s)
        elif now_s - self._started_s > self._limits_s["over"]:
            self._expire("over", self._limits_s["over"])

    def _look(self) -> Phase:
        request = self._request
        if request is None:
            return "over"
        match request.phase:
            case "waiting" | "connecting" as phase:
                return phase
            case _:
                pass
        if self._refused is not None:
            return "refusing"
        if self._reading.is_over:
            return "draining"
        if request.paused:
            return "paused"
        return "flowing" if self._reading.said else "silent"

    def _expire(self, phase: Phase, limit_s: float) -> None:
        self._close()
        if self._refused is not None:
            self._tell_refusal()
        elif not self._reading.is_over:
            self._reading.fail(UpstreamTimeout(f"{self._name} {_EXPIRED[phase].format(limit_s)}"))

    # ---- ends

    def _abandon(self, error: UpstreamError | CallerError) -> None:
        """Close the connection because of what came on it."""
        self._close()
        if not self._reading.is_over:
            self._reading.fail(error)

    def _tell_refusal(self) -> None:
        if self._refused is not None and not self._reading.is_over:
            status, retry_after_s, pieces = self._refused
            self._reading.fail(self._codec.read_error(status, b"".join(pieces), retry_after_s))

    def _close(self) -> None:
        if self._request is not None:
            self._request.cancel()
        self._leave()

    def _leave(self) -> None:
        """Take note that nothing is left."""
        on_over, self._on_over = self._on_over, None
        self._request = None
        if on_over is not None:
            on_over(self)


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
