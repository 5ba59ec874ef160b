"""Forward: ask the upstream and hand its answer to the client while it comes in.

States of an answer: silent (nothing told to the client), flowing (the stream's head is sent), over. The upstream moves
it by events and failures, the client by leaving, the server by shutting down. `over` is entered once, by whoever comes
first; what comes later is ignored. The last bytes are kept back until the call is settled.
"""

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import assert_never

from setaria.core.answer import AnswerBuilder
from setaria.core.errors import CallerError, SetariaError, Unavailable, UpstreamBusy, UpstreamError
from setaria.core.estimate import estimate_dialogue
from setaria.core.events import Event, Finish, ReasoningDelta, TextDelta, ToolCallDelta, ToolCallStart, UsageReport
from setaria.core.tokens import estimate_tokens
from setaria.core.usage import CountsFrom, Usage
from setaria.domain.ledger.records import Ending
from setaria.domain.reasoning.signature import sign_reasoning
from setaria.domain.routing.ports import Attempt, ModelRequest
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.stages import Reply, Routed
from setaria.wire.codec import AnswerHead, Codec, StreamWriter

CLIENT_CLOSED_REQUEST = 499


async def forward(routed: Routed, client: Client, platform: Platform) -> Reply:
    """Get the answer; whatever its ending, what was seen of it is in the reply.

    Raises: CallerError and UpstreamBusy when the upstream refused the call before it said anything.
    """
    flow = AnswerFlow(routed, client, platform)
    received = routed.asked.identified.received
    request = ModelRequest(call_id=received.call_id, model=routed.upstream_model, dialogue=routed.asked.dialogue)
    flow.begin(routed.upstream.start(request, flow))
    client.watch(flow)
    await flow.over
    return flow.reply()


class AnswerFlow:
    """One answer under way: the upstream's sink and the client's watcher."""

    def __init__(self, routed: Routed, client: Client, platform: Platform) -> None:
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._routed = routed
        self._client = client
        self._clock = platform.clock
        self._head = answer_head(routed, platform)
        self._writer: StreamWriter | None = None
        self._builder = AnswerBuilder()
        self._attempt: Attempt | None = None
        self._ending: Ending = "completed"
        self._error: SetariaError | None = None
        self._finished = False
        self._report: UsageReport | None = None
        self._first_token_s: float | None = None
        self._seen_reasoning_tokens = 0
        self._seen_tokens = 0
        self._unsent = b""

    def begin(self, attempt: Attempt) -> None:
        """Take hold of the request under way."""
        self._attempt = attempt
        if self.over.done():
            attempt.cancel()

    def receive(self, events: Sequence[Event]) -> None:
        """Take the next events of the upstream."""
        if self.over.done():
            return
        if self._first_token_s is None:
            self._first_token_s = self._clock.monotonic_s()
        if self._routed.asked.stream:
            self._stream(events)
        else:
            for event in events:
                self._builder.add(event)
        for event in events:
            self._count(event)
        if self._report is not None:
            if self._writer is None:
                self._unsent = self._codec.write_answer(self._head, self._builder.build())
            self.over.set_result(None)

    def fail(self, error: UpstreamError | CallerError) -> None:
        """Take the news that the upstream gives no more."""
        if self._finished:  # the answer is whole, only its usage is missing
            usage, counts_from = self._usage()
            self.receive([UsageReport(usage, counts_from)])
            return
        ending: Ending = "upstream_failed" if self._first_token_s is None else "upstream_cut"
        self._end(ending, error)

    def client_left(self) -> None:
        """Stop the upstream's work: nobody is there to read it."""
        self._end("client_gone", None)

    def client_full(self) -> None:
        """Let the upstream wait for the client."""
        if self._attempt is not None:
            self._attempt.pause()

    def client_ready(self) -> None:
        """Let the upstream go on."""
        if self._attempt is not None:
            self._attempt.resume()

    def shut_down(self) -> None:
        """End the answer, for the server stops."""
        self._end("shutdown", Unavailable("the server is shutting down; send the request again", retry_after_s=1))

    def reply(self) -> Reply:
        """Give the answer that is now over.

        Raises: CallerError, UpstreamBusy when the upstream refused before it said anything.
        """
        error = self._error
        if self._first_token_s is None and isinstance(error, CallerError | UpstreamBusy):
            raise error
        status, body = 200, self._unsent
        if self._writer is not None:
            if error is not None:
                body = self._unsent + self._writer.fail(error)
        elif error is not None:
            status, body = self._codec.write_error(error, self._head.call_id)
        elif self._ending == "client_gone":
            status = CLIENT_CLOSED_REQUEST
        usage, counts_from = self._usage()
        started_s = self._routed.asked.identified.received.started_s
        first_token_ms = None if self._first_token_s is None else round((self._first_token_s - started_s) * 1000)
        return Reply(
            routed=self._routed,
            ending=self._ending,
            status=status,
            usage=usage,
            counts_from=counts_from,
            first_token_ms=first_token_ms,
            writer=self._writer,
            unsent=body,
            error=error,
        )

    def _stream(self, events: Sequence[Event]) -> None:
        """Write the events out, all but those that end the stream."""
        writer = self._writer
        flowing = []
        if writer is None:
            writer = self._writer = self._codec.open_stream(self._head)
            self._client.start_stream()
            flowing.append(writer.open())
        for event in events:
            data = writer.write(event)
            if isinstance(event, Finish | UsageReport):
                self._unsent += data
            else:
                flowing.append(data)
        self._client.write(b"".join(flowing))

    def _count(self, event: Event) -> None:
        """Keep count of what was seen, for a call that ends before the upstream has told its own counts."""
        match event:
            case TextDelta(text):
                self._seen_tokens += estimate_tokens(text)
            case ReasoningDelta(text):
                tokens = estimate_tokens(text)
                self._seen_tokens += tokens
                self._seen_reasoning_tokens += tokens
            case ToolCallDelta(_, arguments):
                self._seen_tokens += estimate_tokens(arguments)
            case ToolCallStart(_, _, name):
                self._seen_tokens += estimate_tokens(name)
            case UsageReport():
                self._report = event
            case Finish():
                self._finished = True
            case _:
                assert_never(event)

    def _end(self, ending: Ending, error: SetariaError | None) -> None:
        if self.over.done():
            return
        self._ending, self._error = ending, error
        if self._attempt is not None:
            self._attempt.cancel()
        self.over.set_result(None)

    def _usage(self) -> tuple[Usage, CountsFrom]:
        """Tell what the call took: the upstream's own count, else what it has said so far, else our estimate."""
        if self._report is not None:
            return self._report.usage, self._report.counts_from
        seen = None if self._attempt is None else self._attempt.seen_usage()
        if seen is not None:
            return seen, "upstream"
        if self._first_token_s is None:
            return Usage(), "estimate"
        return (
            Usage(
                input_tokens=estimate_dialogue(self._routed.asked.dialogue),
                output_tokens=self._seen_tokens,
                reasoning_tokens=self._seen_reasoning_tokens,
            ),
            "estimate",
        )

    @property
    def _codec(self) -> Codec:
        return self._routed.asked.identified.received.codec


def answer_head(routed: Routed, platform: Platform) -> AnswerHead:
    """Say what is known of an answer before it begins."""
    asked = routed.asked
    received = asked.identified.received
    account_id = asked.identified.caller.account_id
    return AnswerHead(
        call_id=received.call_id,
        model=asked.model.id,
        created_at_ms=received.at_ms,
        input_tokens_estimate=estimate_dialogue(asked.dialogue),
        sign=partial(sign_reasoning, platform.signing_secret, account_id, asked.model.id),
    )
