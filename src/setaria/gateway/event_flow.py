"""Event flow: an answer that is read as events and written in the caller's protocol."""

from collections.abc import Sequence
from functools import partial
from typing import assert_never

import msgspec

from setaria.core.answer import AnswerBuilder
from setaria.core.errors import InternalError
from setaria.core.events import (
    Event,
    Finish,
    ReasoningDelta,
    ReasoningSignature,
    Saying,
    TextDelta,
    ToolCallDelta,
    ToolCallStart,
    UsageReport,
)
from setaria.core.tokens import estimate_piece, estimate_tokens
from setaria.core.usage import CountsFrom, Usage
from setaria.domain.routing.ports import Failure
from setaria.gateway.audience import Audience
from setaria.gateway.flow import Flow
from setaria.gateway.stages import Routed
from setaria.wire.codec import AnswerHead, StreamWriter
from setaria.wire.mould import Mould

_SAYING = (TextDelta, ReasoningDelta)


class EventFlow(Flow):
    """Implements the port `Sink`."""

    __slots__ = (
        "_builder",
        "_estimate",
        "_finished",
        "_head",
        "_report",
        "_seen_reasoning_tokens",
        "_seen_tokens",
        "_writer",
    )

    def __init__(self, routed: Routed, audience: Audience, head: AnswerHead) -> None:
        super().__init__(routed, audience)
        self._head = head
        self._writer: StreamWriter | None = None
        self._builder = AnswerBuilder()
        self._report: UsageReport | None = None
        self._finished = False
        self._seen_tokens = 0
        self._seen_reasoning_tokens = 0
        self._estimate = estimate_piece if audience.stream or self._hold.must_stream else estimate_tokens

    def receive(self, events: Sequence[Event]) -> None:
        """Take the next events of the upstream."""
        if self._is_over:
            return
        writer = self._writer
        if writer is not None and len(events) == 1 and isinstance(event := events[0], _SAYING):
            # most events of a stream are so; this does what is done below for all, less what they don't need
            tokens = estimate_piece(event.text)
            if self._seen_tokens + self.shortcut.passed_tokens + tokens < self._limit_tokens:
                self._has_heard = True
                self._seen_tokens += tokens
                if isinstance(event, ReasoningDelta):
                    self._seen_reasoning_tokens += tokens
                self._audience.write(writer.write(event))
                if self._draining:
                    self._drain()
                return
        if self._backlog is not None:
            self._backlog.append(partial(self.receive, events))
            return
        self._hear()
        last = events[-1] if events else None
        if isinstance(last, UsageReport) and not last.usage.all_input_tokens:
            events = [*events[:-1], self._with_input(last)]
        for event in events:
            self._count(event)
        self._pass_on(events)

    def follow(self, mould: Mould, like: Saying) -> None:
        """Let the next events of this form pass."""
        frame = None if self._writer is None else self._writer.frame(like)
        if frame is not None:
            self._shorten(mould, frame)

    def _with_input(self, report: UsageReport) -> UsageReport:
        """Put our own estimate of the input into the report of a model server that told the output alone."""
        usage = msgspec.structs.replace(report.usage, input_tokens=self._routed.asked.input_tokens)
        return UsageReport(usage, report.counts_from)

    def _pass_on(self, events: Sequence[Event]) -> None:
        """Give the client what came, if it is paid for."""
        said_tokens = self._said_tokens()[0]
        if said_tokens >= self._limit_tokens and not self._afford(said_tokens, partial(self._pass_on, events)):
            return
        if self._audience.stream:
            self._stream(events)
        else:
            for event in events:
                self._builder.add(event)
        if self._report is not None:
            if not self._audience.stream:
                self._unsent = self._audience.codec.write_answer(self._head, self._builder.build())
            self._complete()
        elif self._draining:
            self._drain()

    def fail(self, error: Failure) -> None:
        """Take the news that the upstream gives no more."""
        if self._finished and not self._is_over and not isinstance(error, InternalError):
            # the answer is whole, only its usage is missing
            usage, counts_from = self._usage()
            self.receive([UsageReport(usage, counts_from)])
        else:
            super().fail(error)

    def _stream(self, events: Sequence[Event]) -> None:
        """Write the events out, all but those that end the stream."""
        writer = self._writer
        flowing = []
        if writer is None:
            writer = self._writer = self._tail = self._audience.codec.open_stream(self._head)
            flowing.append(writer.open())
        for event in events:
            data = writer.write(event)
            if isinstance(event, Finish | UsageReport):
                self._unsent += data
            else:
                flowing.append(data)
        written = b"".join(flowing)
        if written:
            self._audience.write(written)

    def _count(self, event: Event) -> None:
        """Keep count of what was seen, for a call that ends before the upstream has told its own counts."""
        match event:
            case TextDelta(text):
                self._seen_tokens += self._estimate(text)
            case ReasoningDelta(text):
                tokens = self._estimate(text)
                self._seen_tokens += tokens
                self._seen_reasoning_tokens += tokens
            case ReasoningSignature():
                pass  # no token of the model's
            case ToolCallDelta(_, arguments):
                self._seen_tokens += self._estimate(arguments)
            case ToolCallStart(_, _, name):
                self._seen_tokens += self._estimate(name)
            case UsageReport():
                self._report = event
            case Finish():
                self._finished = True
            case _:
                assert_never(event)

    def _run_out(self) -> None:
        """End it for want of funds; a whole answer is what there is of it."""
        if self._audience.stream:
            super()._run_out()
            return
        self._report = None
        self._end("out_of_funds", None)
        for event in (Finish("length"), UsageReport(self._usage()[0], "estimate")):
            self._builder.add(event)
        self._unsent = self._audience.codec.write_answer(self._head, self._builder.build())

    def _told_usage(self) -> tuple[Usage, CountsFrom] | None:
        return None if self._report is None else (self._report.usage, self._report.counts_from)

    def _said_tokens(self) -> tuple[int, int]:
        passed = self.shortcut
        return self._seen_tokens + passed.passed_tokens, self._seen_reasoning_tokens + passed.thought_tokens
