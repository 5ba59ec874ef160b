"""Jobs: they go on whatever happens, and the news of changes reaches the caches."""

import asyncio

import pytest

from setaria.core.errors import Unauthenticated, Unavailable
from setaria.entrypoints.jobs.runner import JobRunner
from setaria.entrypoints.jobs.watch_changes import ChangeWatch
from setaria.gateway.authenticate import authenticate
from tests.fakes.clock import FakeClock
from tests.fakes.log import FakeLog
from tests.fakes.platform import Stage
from tests.fakes.waiting import turns, until
from tests.gateway.calling import play, received


class PatientClock(FakeClock):
    """A clock whose sleepers are woken by the test, each once; `slept` are the seconds they asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.slept: list[float] = []
        self.alarm = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await self.alarm.wait()
        self.alarm.clear()


async def renew_nothing() -> None:
    """Leave the catalog as it is."""


def test_a_job_that_fails_is_done_again() -> None:
    """A job is done at once and then after each period; one failure is logged by its place and does not end it."""
    done: list[int] = []

    async def job() -> None:
        done.append(len(done))
        if len(done) == 2:
            raise ValueError("the canary")

    async def story() -> None:
        clock, log = PatientClock(), FakeLog()
        runner = JobRunner(clock, log)
        runner.every(0.3, "try", job)
        for count in (1, 2, 3):
            await until(lambda count=count: len(done) == count)  # type: ignore[misc]  # a default binds it
            await turns()
            clock.alarm.set()
        assert clock.slept[:3] == [0.3, 0.3, 0.3]
        await runner.stop()
        clock.alarm.set()
        await turns()
        ((level, event, fields),) = log.lines
        assert (level, event, fields["job"]) == ("error", "job_failed", "try")
        assert str(fields["error"]).startswith("ValueError at test_jobs.py:")

    asyncio.run(story())
    assert len(done) == 3


def test_a_revoked_key_dies_at_the_next_look() -> None:
    """A change is seen at the next look, and only a change empties the cache."""

    async def story(stage: Stage) -> None:
        watch = ChangeWatch(stage.ledger, stage.platform.keys, stage.clock, (renew_nothing,))
        await watch.look()
        await authenticate(received(stage), stage.platform)
        stage.ledger.callers.clear()
        await watch.look()
        await authenticate(received(stage), stage.platform)
        stage.ledger.changes += 1
        await watch.look()
        with pytest.raises(Unauthenticated):
            await authenticate(received(stage), stage.platform)

    play(story)


def test_old_news_are_believed_for_a_minute() -> None:
    """While the store is away known keys are good for 60 seconds, then none is, until there is news again."""

    async def story(stage: Stage) -> None:
        keys = stage.platform.keys
        watch = ChangeWatch(stage.ledger, keys, stage.clock, (renew_nothing,))
        await watch.look()
        await keys.find(stage.key)
        stage.clock.advance(60.0)
        stage.ledger.fails = 1
        await watch.look()
        assert await keys.find(stage.key)
        stage.clock.advance(0.3)
        stage.ledger.fails = 1
        await watch.look()
        with pytest.raises(Unavailable):
            await keys.find(stage.key)
        await watch.look()
        assert await keys.find(stage.key)
        assert stage.ledger.asked == 1

    play(story)


def test_a_counter_that_does_not_answer_is_no_news() -> None:
    """News that are asked for and do not come leave the last ones as old as they are."""

    async def story(stage: Stage) -> None:
        watch = ChangeWatch(stage.ledger, stage.platform.keys, stage.clock, (renew_nothing,))
        await watch.look()
        stage.clock.advance(61.0)
        stage.ledger.close()
        looking = asyncio.get_running_loop().create_task(watch.look())
        await until(lambda: stage.ledger.waiting)
        with pytest.raises(Unavailable):
            await stage.platform.keys.find(stage.key)
        stage.ledger.open()
        await looking
        assert await stage.platform.keys.find(stage.key)

    play(story)
