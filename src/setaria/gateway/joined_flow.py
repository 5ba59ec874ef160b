"""Joined flow: an answer in the caller's own protocol that is asked for as a stream and handed over whole.

The caller wants no stream, but what is said must be seen while it comes, to be paid for.
"""

from functools import partial

from setaria.gateway.audience import Audience
from setaria.gateway.relay_flow import RelayFlow
from setaria.gateway.stages import Routed
from setaria.wire.codec import AnswerHead
from setaria.wire.relayed import is_whole_answer


class JoinedFlow(RelayFlow):
    """Implements the port `RelaySink`."""

    __slots__ = ("_has_begun", "_joiner")

    def __init__(self, routed: Routed, audience: Audience, head: AnswerHead) -> None:
        super().__init__(routed, audience)
        self._joiner = audience.codec.open_joiner(head)
        self._has_begun = False

    def _pass_on(self, data: bytes, said_tokens: int | None = None) -> None:
        """Keep what came, if it is paid for; with it so much was said, None: as much as now."""
        said_tokens = self._said_tokens()[0] if said_tokens is None else said_tokens
        if said_tokens >= self._limit_tokens and not self._afford(
            said_tokens, partial(self._pass_on, data, said_tokens)
        ):
            return
        self._has_begun = True
        self._joiner.add(data)
        if self._draining:
            self._drain()

    def _end_with(self, last: bytes) -> None:
        """Take the end; a server that does not stream gives all of it here, as one whole answer."""
        if not self._has_begun and is_whole_answer(last):
            self._unsent = last
            return
        self._joiner.add(last)
        self._unsent = self._joiner.close(self._usage()[0], None)

    def _run_out(self) -> None:
        """End it for want of funds; a whole answer is what there is of it."""
        self._end("out_of_funds", None)
        self._unsent = self._joiner.close(self._usage()[0], "length")
