"""Scripted upstream: a model server that plays what the test wrote down."""

from collections.abc import Sequence
from typing import Literal

from setaria.core.events import Event, Finish, TextDelta, UsageReport
from setaria.core.usage import Usage
from setaria.domain.routing.ports import Failure, ModelRequest, Sink

PAUSE: Literal["pause"] = "pause"
Step = Sequence[Event] | Failure | Literal["pause"]

USAGE = Usage(input_tokens=7, output_tokens=3)
END: tuple[Event, ...] = (Finish("stop"), UsageReport(USAGE, "upstream"))
HELLO: tuple[Step, ...] = ((TextDelta("Hello"), TextDelta(" there")), END)


class ScriptedAttempt:
    """One playing of the script; `did` is what was asked of it beside the answer."""

    def __init__(self, request: ModelRequest, sink: Sink, script: Sequence[Step], seen: Usage | None) -> None:
        self.request = request
        self.did: list[str] = []
        self._sink = sink
        self._steps = list(script)
        self._seen = seen
        self.in_doubt = ""

    @property
    def cancelled(self) -> bool:
        """Whether the answer is not wanted any more."""
        return "cancel" in self.did

    def play(self) -> None:
        """Play up to the next pause."""
        while self._steps and not self.cancelled:
            step = self._steps.pop(0)
            if step == PAUSE:
                return
            if isinstance(step, Failure):
                self._sink.fail(step)
            else:
                self._sink.receive(step)

    def say(self, events: Sequence[Event]) -> None:
        """Say something that is not in the script."""
        self._sink.receive(events)

    def cancel(self) -> None:
        self.did.append("cancel")

    def pause(self) -> None:
        self.did.append("pause")

    def resume(self) -> None:
        self.did.append("resume")

    def doubt(self) -> str:
        return self.in_doubt

    def seen_usage(self) -> Usage | None:
        return self._seen


class ScriptedUpstream:
    """Implements the port Upstream; every call plays the same script, up to its first pause at once.

    `first` are the scripts of the first calls, where they have others.
    """

    def __init__(
        self, *script: Step, name: str = "scripted", seen: Usage | None = None, counted: int | None = None
    ) -> None:
        self.name = name
        self.script: Sequence[Step] = script or HELLO
        self.first: list[Sequence[Step]] = []
        self.seen = seen
        self.doubt = ""
        self.counted = counted
        self.fault = ""
        self.attempts: list[ScriptedAttempt] = []

    def start(self, request: ModelRequest, sink: Sink) -> ScriptedAttempt:
        script = self.first.pop(0) if self.first else self.script
        attempt = ScriptedAttempt(request, sink, script, self.seen)
        attempt.in_doubt = self.doubt
        self.attempts.append(attempt)
        attempt.play()
        return attempt

    def go_on(self) -> None:
        """Play the newest answer up to its next pause."""
        self.attempts[-1].play()

    async def count_input_tokens(self, request: ModelRequest) -> int | None:
        return self.counted

    async def check(self) -> str:
        return self.fault
