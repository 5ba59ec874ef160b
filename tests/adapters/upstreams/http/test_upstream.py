"""Upstream: what is sent to a model server, and how a call is cancelled, held up, timed out and checked."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
import uvloop

from setaria import __version__
from setaria.adapters.upstreams.http.readings import BODY_LIMIT_BYTES, WholeBody
from setaria.adapters.upstreams.http.upstream import HttpUpstream, UpstreamSpec
from setaria.core.dialogue import Message, Text
from setaria.core.errors import InternalError, InvalidRequest, Misconfigured, UpstreamFailed
from tests.adapters.upstreams.http.asking import (
    CODECS,
    KEY,
    TIMEOUTS,
    Bench,
    ByteTaker,
    EventTaker,
    bench,
    make_network,
    play,
    request_for,
)
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import turns, until

KINDS = ("openai", "anthropic")


@pytest.mark.parametrize(
    "kind, path, own",
    [
        ("openai", "/v1/chat/completions", {"authorization": f"Bearer {KEY}"}),
        ("anthropic", "/v1/messages", {"x-api-key": KEY, "anthropic-version": "2023-06-01"}),
    ],
)
def test_what_is_sent(kind: str, path: str, own: dict[str, str]) -> None:
    """A request has our headers and no other, and one connection carries one call after the other."""

    async def story(bench: Bench) -> None:
        await bench.take_events("text")
        await bench.take_bytes("text", stream=False)
        first, second = bench.server.requests
        assert (first.method, first.path) == ("POST", path)
        assert first.headers == {
            "host": f"127.0.0.1:{bench.server.port}",
            "user-agent": f"Setaria/{__version__}",
            "accept": "*/*",
            "accept-encoding": "identity",
            "content-type": "application/json",
            "x-team": "blue",
            "content-length": str(len(first.body)),
            **own,
        }
        assert (first.json["model"], first.json["stream"]) == ("text", True)
        assert not second.json.get("stream")
        assert bench.server.counts["connections"] == 1

    play(story, kind, headers=((b"X-Team", b"blue"),))


def test_no_key_is_sent_where_none_is_set() -> None:
    """A server without a key gets no credential at all."""

    async def story(bench: Bench) -> None:
        await bench.take_events("text")
        assert "authorization" not in bench.server.requests[0].headers

    play(story, key="")


@pytest.mark.parametrize("change", [{"key": "sk\r\nx: y"}, {"base_url": "x"}, {"headers": ((b"host:", b""),)}])
def test_a_spec_that_can_not_be(change: dict[str, object], fake_clock: FakeClock) -> None:
    """What would break requests is refused when the upstream is set up."""
    spec = msgspec.structs.replace(UpstreamSpec("a", "http://127.0.0.1:1"), **change)
    with pytest.raises(Misconfigured):
        HttpUpstream(spec, CODECS["openai"], make_network(fake_clock), fake_clock)


def test_a_spec_shows_no_key() -> None:
    """The record that holds the key does not show it."""
    assert KEY not in repr(UpstreamSpec("a", "http://127.0.0.1:1", KEY, headers=((b"x-secret", KEY.encode()),)))


@pytest.mark.parametrize("kind", KINDS)
def test_events_that_come_at_once_are_told_at_once(kind: str) -> None:
    """All events of one piece are one call of the sink, whatever their number."""

    async def story(bench: Bench) -> None:
        assert len((await bench.take_events("text:tokens=50:glued")).batches) <= 2
        assert len((await bench.take_bytes("text:tokens=50:glued")).pieces) == 1

    play(story, kind)


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    "scenario", ["text:silent", "text:hang_after=3", "text:head_delay_ms=60000", "text:first_delay_ms=60000"]
)
def test_cancel_frees_the_place(scenario: str, stream: bool) -> None:
    """A call that is not wanted any more is closed at the server at once, and its sink hears no more."""

    async def story(bench: Bench) -> None:
        events, data = EventTaker(), ByteTaker()
        attempts = [bench.start(scenario, events), bench.relay(scenario, data)]
        await until(lambda: bench.server.counts["requests"] == 2)
        await turns()
        for attempt in attempts:
            attempt.cancel()
            attempt.cancel()
        await until(lambda: bench.server.counts["cancelled"] == 2)
        assert bench.server.counts["open"] == 0
        assert not events.is_over
        assert not data.is_over
        bench.pass_time(100)
        assert not events.is_over

    play(story)


def test_cancel_before_the_connection_stands() -> None:
    """A call cancelled at once leaves nothing behind."""

    async def story(bench: Bench) -> None:
        sink = EventTaker()
        bench.start("text", sink).cancel()
        await turns(50)
        assert bench.server.counts["requests"] == 0
        assert bench.upstream.connections == (0, 0, 0)
        assert not sink.is_over

    play(story)


@pytest.mark.parametrize("kind", KINDS)
def test_cancel_while_it_is_told(kind: str) -> None:
    """A sink that cancels while it is told something hears nothing after it."""

    async def story(bench: Bench) -> None:
        class Quitter(EventTaker):
            def receive(self, events: object) -> None:
                self.batches.append([])
                attempt.cancel()

        sink = Quitter()
        attempt = bench.start("text:tokens=20:gap_ms=1", sink)
        await until(lambda: sink.batches)
        await turns(50)
        assert len(sink.batches) == 1
        assert bench.server.counts["open"] == 0

    play(story, kind)


def test_a_paused_answer_waits_at_the_server() -> None:
    """While the client is full the server can't send on; it goes on afterwards, and no clock runs meanwhile."""

    async def story(bench: Bench) -> None:
        sink = ByteTaker()
        attempt = bench.relay("text:tokens=20000", sink)
        await until(lambda: sink.pieces)
        attempt.pause()
        await turns(200)
        held = len(sink.pieces)
        bench.pass_time(30)
        await turns(200)
        assert (len(sink.pieces), sink.is_over, bench.server.counts["finished"]) == (held, False, 0)
        attempt.resume()
        await until(lambda: sink.is_over, 20)
        assert (sink.error, sink.content.count(b'"content": "word')) == (None, 20_000)

    play(story)


def test_a_pause_before_the_answer() -> None:
    """A pause asked for before the connection stands is kept."""

    async def story(bench: Bench) -> None:
        sink = EventTaker()
        attempt = bench.start("text", sink)
        attempt.pause()
        await until(lambda: bench.server.counts["finished"])
        await turns(50)
        assert not sink.batches
        attempt.resume()
        await until(lambda: sink.is_over)
        assert sink.error is None

    play(story)


def test_a_request_that_can_not_be_written() -> None:
    """What the protocol can't say is told to the sink, not thrown at the caller, and nothing is sent."""

    async def story(bench: Bench) -> None:
        class Refusing(type(CODECS["openai"])):  # type: ignore[misc]  # a class found at run time
            def write_request(self, *_: object, **__: object) -> bytes:
                raise InvalidRequest("no such thing")

        bench.upstream._codec = Refusing()
        gone = EventTaker()
        bench.start("text", gone).cancel()
        sink = await bench.take_events("text")
        assert str(sink.error) == "no such thing"
        assert not gone.is_over
        assert bench.server.counts["connections"] == 0

    play(story)


def test_the_end_of_the_server() -> None:
    """When the platform stops, calls under way are told so and connections are closed."""

    async def story(bench: Bench) -> None:
        events, data = EventTaker(), ByteTaker()
        bench.start("text:hang_after=3", events)
        bench.relay("text:silent", data)
        await until(lambda: events.batches)
        await bench.upstream.close()
        assert str(events.error) == str(data.error) == "the server is stopping; send the request again"

    play(story)


@pytest.mark.parametrize("kind", KINDS)
def test_tokens_seen_so_far(kind: str) -> None:
    """A relayed call that ends early knows what it has said and what the server has counted."""

    async def story(bench: Bench) -> None:
        sink = ByteTaker()
        attempt = bench.relay("text:hang_after=5", sink)
        await until(lambda: attempt.said_tokens >= 2)
        usage = attempt.seen_usage()
        assert (usage is None) == (kind == "openai")
        assert usage is None or usage.all_input_tokens == 19
        attempt.cancel()

    play(story, kind)


def test_counting_is_left_to_the_estimate() -> None:
    """Model servers are not asked to count."""

    async def story(bench: Bench) -> None:
        assert await bench.upstream.count_input_tokens(request_for("text")) is None

    play(story)


@pytest.mark.parametrize("kind", KINDS)
def test_check(kind: str) -> None:
    """A server that lists its models is well."""

    async def story(bench: Bench) -> None:
        assert await bench.upstream.check() == ""
        assert [(it.method, it.path) for it in bench.server.requests] == [("GET", "/v1/models")]

    play(story, kind)


def test_check_of_a_server_that_is_away(fake_clock: FakeClock) -> None:
    """A server that is not there is told in words."""

    async def story() -> None:
        spec = UpstreamSpec("vllm-1", "http://127.0.0.1:1/v1", timeouts=TIMEOUTS)
        upstream = HttpUpstream(spec, CODECS["openai"], make_network(fake_clock), fake_clock)
        assert await upstream.check() == "vllm-1 can't be reached: nothing listens at 127.0.0.1:1"
        sink = EventTaker()
        upstream.start(request_for("text"), sink)
        await until(lambda: sink.is_over)
        assert type(sink.error) is UpstreamFailed

    asyncio.run(story())


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_before_the_request_is_sent(kind: str) -> None:
    """A refusal that comes while a large request is on its way is told, and the connection is not used again."""

    async def story(bench: Bench) -> None:
        large = (Message("user", (Text("x" * 20_000_000),)),)
        request = request_for("text")
        dialogue = msgspec.structs.replace(request.dialogue, messages=large)
        sink = EventTaker()
        bench.upstream.start(msgspec.structs.replace(request, dialogue=dialogue), sink)
        await until(lambda: sink.is_over)
        assert type(sink.error) is InvalidRequest
        await until(lambda: bench.upstream.connections == (0, 0, 0))

    play(story, kind, key="fault:text:early")


@pytest.mark.parametrize(
    "fault, words",
    [
        ("status=401", "vllm-1 refuses its key (status 401); check api_key_env or api_key_file"),
        ("status=404", ""),
        ("status=503", "vllm-1 answers with status 503"),
        ("garbage:status=404", "vllm-1 gave an answer that is not HTTP"),
    ],
)
def test_check_of_a_server_that_is_ill(fault: str, words: str) -> None:
    """What is wrong is told in a sentence; a server without a list of models may be well all the same."""

    async def story(bench: Bench) -> None:
        assert await bench.upstream.check() == words

    play(story, key=f"fault:text:{fault}")


@pytest.mark.parametrize("loop", [uvloop.run, asyncio.run])
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("scenario", ["text:gap_ms=1", "text"])
def test_a_sink_that_breaks(scenario: str, stream: bool, loop: Callable[..., object]) -> None:
    """A defect in what takes the answer ends that call, whose sink is told it as ours, and no other."""

    class Breaking(EventTaker):
        def receive(self, events: object) -> None:
            raise ZeroDivisionError

    class BreakingRelay(ByteTaker):
        def receive(self, data: bytes) -> None:
            raise ZeroDivisionError

        def finish(self, last: bytes, usage: object, said_tokens: int) -> None:
            raise ZeroDivisionError

    async def story() -> None:
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context.get("exception")))
        async with bench("openai") as built:
            read, relayed = Breaking(), BreakingRelay()
            built.start(scenario, read, stream=stream)
            built.relay(scenario, relayed, stream=stream)
            await until(lambda: read.is_over and relayed.is_over)
            assert [type(sink.error) for sink in (read, relayed)] == [InternalError, InternalError]
            assert [type(fault) for fault in faults] == [ZeroDivisionError, ZeroDivisionError]
            assert (await built.take_events("text")).error is None

    loop(story())


def test_the_limit_of_a_whole_answer() -> None:
    """A whole answer that does not end is given up before it fills the memory."""
    body = WholeBody()
    body.add(bytes(BODY_LIMIT_BYTES))
    with pytest.raises(UpstreamFailed, match="longer than 67108864 bytes"):
        body.add(b"x")
    assert body.join() == b""
