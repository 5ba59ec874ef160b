"""Repeat: a call that fails before anything was said is asked elsewhere, or once more, and never afterwards."""

from collections.abc import Callable
from functools import partial

import msgspec
import pytest

from setaria.core.entries import Timeouts
from setaria.core.errors import (
    CallerError,
    InternalError,
    InvalidRequest,
    UpstreamBusy,
    UpstreamCut,
    UpstreamError,
    UpstreamFailed,
    UpstreamRefused,
    UpstreamTimeout,
)
from setaria.core.events import Event, Finish, TextDelta
from setaria.core.protocol import ProtocolName
from setaria.domain.catalog.model import Deployment, Model
from setaria.domain.routing.budget import FLOOR
from setaria.domain.routing.health import FAILURES_TO_COOL
from tests.fakes.client import RecordingClient
from tests.fakes.platform import SEEDLING, Stage, make_stage
from tests.fakes.scripted_upstream import HELLO, ScriptedUpstream
from tests.fakes.waiting import until
from tests.gateway.calling import PROTOCOLS, answer, begin, body_of, call, play_on, received

CALLS = [(protocol, stream) for protocol in PROTOCOLS for stream in (False, True)]
DEFECT = InternalError("it is a defect")
BROKEN = UpstreamFailed("it is broken")
REFUSED = UpstreamRefused("it broke with us")
SILENT = UpstreamTimeout("it is silent")
BUSY = UpstreamBusy("it is busy")
SOON = UpstreamBusy("it is busy", retry_after_s=2)
LATER = UpstreamBusy("it is busy", retry_after_s=3)


def served_by(*names: str) -> Model:
    """Describe a model with a deployment at each of these upstreams."""
    return msgspec.structs.replace(SEEDLING, deployments=tuple(Deployment(name, "there") for name in names))


def two(first: ScriptedUpstream, second: ScriptedUpstream) -> Callable[[], Stage]:
    """Make a platform whose model is at two upstreams; the second is asked last, for it has no weight."""
    deployments = (Deployment(first.name, "there"), Deployment(second.name, "there", weight=0))
    return partial(make_stage, first, msgspec.structs.replace(SEEDLING, deployments=deployments), (second,))


@pytest.mark.parametrize("protocol, stream", CALLS)
@pytest.mark.parametrize("error", [BROKEN, UpstreamCut("it broke off"), REFUSED, SILENT, BUSY, LATER])
def test_another_deployment_is_asked(protocol: ProtocolName, stream: bool, error: UpstreamError) -> None:
    """Whatever keeps a deployment from saying anything, another one that is well is asked, at once."""
    client = RecordingClient(body_of(stream=stream))
    first, second = ScriptedUpstream(error), ScriptedUpstream(name="spare")
    stage = play_on(lambda stage: call(stage, protocol, client), two(first, second))
    (row,) = stage.ledger.rows
    assert (row.ending, row.status, row.upstream, row.attempts) == ("completed", 200, "spare", 2)
    assert (b"Hello" in client.told, b"broke" in client.told, stage.clock.slept) == (True, False, [])
    assert (len(first.attempts), len(second.attempts)) == (1, 1)


@pytest.mark.parametrize("protocol, stream", CALLS)
@pytest.mark.parametrize("error, slept", [(BROKEN, []), (SOON, [2])])
def test_the_only_deployment_is_asked_once_more(
    protocol: ProtocolName, stream: bool, error: UpstreamError, slept: list[float]
) -> None:
    """Where there is no other, one that failed is asked again at once, one that is busy after the time it names."""
    client = RecordingClient(body_of(stream=stream))
    upstream = ScriptedUpstream()
    upstream.first = [(error,)]
    stage = play_on(lambda stage: call(stage, protocol, client), partial(make_stage, upstream))
    (row,) = stage.ledger.rows
    assert (row.ending, row.status, row.attempts, stage.clock.slept) == ("completed", 200, 2, slept)
    assert b"Hello" in client.told


@pytest.mark.parametrize(
    "errors, attempts, status",
    [
        ((BROKEN, BROKEN), 2, 502),
        ((SOON, SOON), 2, 429),
        ((SOON, BROKEN), 2, 502),
        ((BROKEN, SOON), 2, 429),
        ((LATER,), 1, 429),
        ((BUSY,), 1, 429),
        ((SILENT,), 1, 504),
        ((REFUSED,), 1, 502),
        ((InvalidRequest("no"),), 1, 400),
    ],
)
@pytest.mark.parametrize("protocol, stream", CALLS)
def test_what_is_not_asked_again(
    protocol: ProtocolName,
    stream: bool,
    errors: tuple[UpstreamError | CallerError, ...],
    attempts: int,
    status: int,
) -> None:
    """The only deployment is asked twice at most; long waits, silence, refusal and the caller's own fault are final."""
    client = RecordingClient(body_of(stream=stream))
    upstream = ScriptedUpstream()
    upstream.first = [(error,) for error in errors]
    stage = play_on(lambda stage: call(stage, protocol, client), partial(make_stage, upstream))
    assert (client.status, len(upstream.attempts), client.is_streaming) == (status, attempts, False)
    wait_s = errors[-1].retry_after_s
    assert client.headers.get("retry-after") == (None if wait_s is None else str(wait_s))
    assert [row.attempts for row in stage.ledger.rows] == ([] if status in (400, 429) else [attempts])


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_server_that_refuses_the_platform_is_told_as_that(protocol: ProtocolName, stream: bool) -> None:
    """Also while it gets no calls for that: 502, and no word of trying again, until it takes the platform's key."""
    upstream = ScriptedUpstream(REFUSED)
    told: list[tuple[int | None, bool, str | None, str | None]] = []
    last: list[bytes] = []

    async def story(stage: Stage) -> None:
        for number in range(FAILURES_TO_COOL + 3):
            if number == FAILURES_TO_COOL + 2:
                stage.clock.advance(3)
                upstream.script = HELLO
            client = RecordingClient(body_of(stream=stream))
            await call(stage, protocol, client)
            retry = client.headers.get("x-should-retry"), client.headers.get("retry-after")
            told.append((client.status, b"with us" in client.told, *retry))
            last[:] = [client.told]

    play_on(story, partial(make_stage, upstream))
    assert told[:-1] == [(502, True, "false", None)] * (FAILURES_TO_COOL + 2)
    assert b"Hello" in last[0]
    assert len(upstream.attempts) == FAILURES_TO_COOL + 1


@pytest.mark.parametrize("said", [(), (TextDelta("Hel"),), (TextDelta("Hel"), Finish("stop"))])
@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_defect_of_ours_says_nothing_of_the_server(
    protocol: ProtocolName, stream: bool, said: tuple[Event, ...]
) -> None:
    """It is told as ours, is not asked again, and however often it strikes, the deployment goes on getting calls."""
    upstream = ScriptedUpstream(said, DEFECT) if said else ScriptedUpstream(DEFECT)
    clients: list[RecordingClient] = []

    async def story(stage: Stage) -> None:
        for _ in range(FAILURES_TO_COOL + 1):
            clients.append(RecordingClient(body_of(stream=stream)))
            await call(stage, protocol, clients[-1])
        upstream.script = HELLO
        clients.append(RecordingClient(body_of(stream=stream)))
        await call(stage, protocol, clients[-1])

    play_on(story, partial(make_stage, upstream))
    *failed, well = clients
    assert [client.status for client in failed] == [0 if stream and said else 500] * (FAILURES_TO_COOL + 1)
    assert [b"it is a defect" in client.told for client in failed] == [True] * (FAILURES_TO_COOL + 1)
    assert b"Hello" in well.told
    assert len(upstream.attempts) == FAILURES_TO_COOL + 2


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_nothing_is_asked_again_after_it_has_spoken(protocol: ProtocolName, stream: bool) -> None:
    """What has begun to answer is never asked again, for its tokens are spent."""
    client = RecordingClient(body_of(stream=stream))
    first, second = ScriptedUpstream((TextDelta("Hel"),), BROKEN), ScriptedUpstream(name="spare")
    stage = play_on(lambda stage: call(stage, protocol, client), two(first, second))
    assert [(row.ending, row.attempts) for row in stage.ledger.rows] == [("upstream_cut", 1)]
    assert second.attempts == []


def test_three_deployments_at_most() -> None:
    """Two further deployments are tried at most."""
    upstreams = [ScriptedUpstream(BROKEN, name=name) for name in ("a", "b", "c", "d")]
    client = RecordingClient(body_of())
    make = partial(make_stage, upstreams[0], served_by("a", "b", "c", "d"), upstreams[1:])
    stage = play_on(lambda stage: call(stage, "openai_chat", client), make)
    assert sorted(len(upstream.attempts) for upstream in upstreams) == [0, 1, 1, 1]
    assert [row.attempts for row in stage.ledger.rows] == [3]


@pytest.mark.parametrize("spare", [False, True])
def test_the_budget_of_retries(spare: bool) -> None:
    """Ten calls in a minute may be tried again, and further ones when they are more than a tenth of all."""
    first, second = ScriptedUpstream(), ScriptedUpstream(name="spare")
    attempts: list[int] = []

    async def story(stage: Stage) -> None:
        for number in range(FLOOR + 1):
            first.first = [(BROKEN,)]
            await call(stage, "openai_chat", RecordingClient(body_of()))
            attempts.append(stage.ledger.rows[number].attempts)
            stage.platform.router.health("scripted/there").succeed()

    play_on(story, two(first, second) if spare else partial(make_stage, first, served_by("scripted")))
    assert attempts == [2] * FLOOR + [1]


def test_all_are_cooling_down() -> None:
    """A model whose deployments all fail is not asked for a while: 503, with the time until it may be, and no row."""
    clients = [RecordingClient(body_of()) for _ in range(4)]
    upstream = ScriptedUpstream(BROKEN)

    async def story(stage: Stage) -> None:
        for client in clients[:3]:
            await call(stage, "openai_chat", client)
        asked = len(upstream.attempts)
        assert asked >= FAILURES_TO_COOL
        stage.clock.advance(60.0)
        upstream.script = ((TextDelta("Hello"),), SILENT)
        await call(stage, "openai_chat", clients[3])
        assert len(upstream.attempts) == asked + 1

    stage = play_on(story, partial(make_stage, upstream))
    assert [client.status for client in clients] == [502, 502, 503, 504]
    assert (clients[2].headers, len(stage.ledger.rows)) == ({"retry-after": "3"}, 3)


def test_a_spare_that_cools_down_is_left_alone() -> None:
    """While the other deployment cools down the first one is asked once more instead."""
    first, second = ScriptedUpstream(), ScriptedUpstream(name="spare")
    client = RecordingClient(body_of())

    async def story(stage: Stage) -> None:
        for _ in range(FAILURES_TO_COOL):
            stage.platform.router.health("spare/there").fail(stage.clock.monotonic_s())
        first.first = [(BROKEN,)]
        await call(stage, "openai_chat", client)

    play_on(story, two(first, second))
    assert (client.status, len(first.attempts), len(second.attempts)) == (200, 2, 0)


def test_a_busy_server_rests_while_another_one_can_work() -> None:
    """A deployment that says it is busy gets no call before its time, if there is another; else it is asked."""
    first, second = ScriptedUpstream(), ScriptedUpstream(name="spare")
    first.first = [(LATER,)]

    async def story(stage: Stage) -> None:
        for pause_s, asked in ((2.9, (1, 2)), (0.2, (1, 3)), (0.0, (2, 3))):
            await call(stage, "openai_chat", RecordingClient(body_of()))
            stage.clock.advance(pause_s)
            assert (len(first.attempts), len(second.attempts)) == (asked[0], asked[1] - 1)

    play_on(story, two(first, second))


@pytest.mark.parametrize("named", [True, False])
def test_a_session_stays_where_it_is(named: bool) -> None:
    """Calls of one session meet the same deployment, whether a header or the first message tells them apart."""
    upstreams = [ScriptedUpstream(name=name) for name in ("a", "b")]
    where: list[list[str]] = []

    async def story(stage: Stage) -> None:
        for number in range(12):
            text = "the same words" if named else f"question {number}"
            for _ in range(2):
                client = RecordingClient(body_of(messages=[{"role": "user", "content": text}]))
                session = f"session {number}".encode() if named else None
                head = msgspec.structs.replace(received(stage), session=session)
                await answer(head, client, stage)
            where.append([row.upstream for row in stage.ledger.rows[-2:]])

    play_on(story, partial(make_stage, upstreams[0], served_by("a", "b"), upstreams[1:]))
    assert all(first == second for first, second in where)
    assert {first for first, _ in where} == {"a", "b"}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_time_is_left_for_another_attempt(protocol: ProtocolName) -> None:
    """A call that has taken too long in all is not tried elsewhere, though nothing was said yet."""
    first, second = ScriptedUpstream("pause"), ScriptedUpstream(name="spare")
    client = RecordingClient(body_of(stream=True))

    async def story(stage: Stage) -> None:
        _, task = begin(stage, protocol, client)
        await until(lambda: client.watcher)
        assert client.watcher is not None
        stage.clock.advance(Timeouts().total_s + 1)
        client.watcher.tick(stage.clock.monotonic_s())
        await task

    stage = play_on(story, two(first, second))
    assert [(row.ending, row.attempts) for row in stage.ledger.rows] == [("timeout", 1)]
    assert second.attempts == []
