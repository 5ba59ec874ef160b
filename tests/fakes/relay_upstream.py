"""Relay upstream: a model server whose answers are relayed, playing what the test wrote down."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from setaria.domain.routing.ports import Failure, ModelRequest, RelaySink
from setaria.wire.codec import Envelope
from tests.fakes.scripted_upstream import PAUSE


class Last(msgspec.Struct, frozen=True):
    """The end of a whole answer."""

    data: bytes
    usage: Usage | None
    said_tokens: int = 0


RelayStep = bytes | Last | Failure | Literal["pause"]


class FakeRelayAttempt:
    """One playing of the script; `did` is what was asked of it, `said_tokens` counts the pieces that were sent on."""

    def __init__(self, request: ModelRequest, sink: RelaySink, script: Sequence[RelayStep]) -> None:
        self.request = request
        self.did: list[str] = []
        self.said_tokens = 0
        self._sink = sink
        self._steps = list(script)

    def play(self) -> None:
        """Play up to the next pause, whether anybody still listens or not."""
        while self._steps:
            step = self._steps.pop(0)
            if step == PAUSE:
                return
            if isinstance(step, Failure):
                self._sink.fail(step)
            elif isinstance(step, Last):
                self._sink.finish(step.data, step.usage, step.said_tokens)
            elif isinstance(step, bytes):
                self.said_tokens += 1
                self._sink.receive(step)

    def cancel(self) -> None:
        self.did.append("cancel")

    def pause(self) -> None:
        self.did.append("pause")

    def resume(self) -> None:
        self.did.append("resume")

    def doubt(self) -> str:
        return ""

    def seen_usage(self) -> Usage | None:
        return None


class FakeRelayUpstream:
    """Implements the port RelayUpstream; every call plays the same script, up to its first pause at once."""

    def __init__(self, protocol: ProtocolName, *script: RelayStep) -> None:
        self.protocol = protocol
        self.attempts: list[FakeRelayAttempt] = []
        self._script = script

    def relay(self, envelope: Envelope, request: ModelRequest, sink: RelaySink) -> FakeRelayAttempt:
        attempt = FakeRelayAttempt(request, sink, self._script)
        self.attempts.append(attempt)
        attempt.play()
        return attempt

    def go_on(self) -> None:
        """Play the newest answer up to its next pause."""
        self.attempts[-1].play()
