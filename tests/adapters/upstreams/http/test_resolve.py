"""Resolver: names are looked up once, remembered, and looked up anew without anybody waiting."""

import asyncio

import pytest

from setaria.adapters.upstreams.http.resolve import Resolver, look_up
from tests.fakes.clock import FakeClock
from tests.fakes.waiting import turns


class FakeNames:
    """A directory of names; `asked` is what was looked up."""

    def __init__(self) -> None:
        self.addresses: tuple[str, ...] | OSError = ("10.0.0.1", "10.0.0.2")
        self.asked: list[str] = []

    async def look_up(self, host: str) -> tuple[str, ...]:
        self.asked.append(host)
        await asyncio.sleep(0)
        if isinstance(self.addresses, OSError):
            raise self.addresses
        return self.addresses


def make(clock: FakeClock) -> tuple[FakeNames, Resolver]:
    """Make a resolver over a directory."""
    names = FakeNames()
    return names, Resolver(clock, 30.0, names.look_up)


def test_a_name_is_asked_once(fake_clock: FakeClock) -> None:
    """However many ask at once or within the time to live, the name is looked up once."""

    async def story() -> None:
        names, resolver = make(fake_clock)
        assert await asyncio.gather(*(resolver.resolve("a") for _ in range(5))) == [("10.0.0.1", "10.0.0.2")] * 5
        fake_clock.advance(29)
        await resolver.resolve("a")
        assert names.asked == ["a"]

    asyncio.run(story())


def test_a_stale_name_is_used_meanwhile(fake_clock: FakeClock) -> None:
    """A name past its time gives the old addresses at once and the new ones as soon as they are known."""

    async def story() -> None:
        names, resolver = make(fake_clock)
        await resolver.resolve("a")
        fake_clock.advance(31)
        names.addresses = ("10.0.0.9",)
        assert await resolver.resolve("a") == ("10.0.0.1", "10.0.0.2")
        await turns()
        assert await resolver.resolve("a") == ("10.0.0.9",)
        assert names.asked == ["a", "a"]

    asyncio.run(story())


def test_a_stale_name_outlives_the_directory(fake_clock: FakeClock) -> None:
    """While the directory is away the old addresses go on being used, and every request asks again."""

    async def story() -> None:
        names, resolver = make(fake_clock)
        await resolver.resolve("a")
        names.addresses = OSError("away")
        for _ in range(3):
            fake_clock.advance(31)
            assert await resolver.resolve("a") == ("10.0.0.1", "10.0.0.2")
            await turns()
        assert names.asked == ["a"] * 4

    asyncio.run(story())


def test_an_unknown_name_fails_and_is_asked_again(fake_clock: FakeClock) -> None:
    """A failure is told to all who wait and not remembered."""

    async def story() -> None:
        names, resolver = make(fake_clock)
        names.addresses = OSError("unknown")
        told = await asyncio.gather(resolver.resolve("a"), resolver.resolve("a"), return_exceptions=True)
        assert [type(error) for error in told] == [OSError, OSError]
        names.addresses = ("10.0.0.1",)
        assert await resolver.resolve("a") == ("10.0.0.1",)

    asyncio.run(story())


def test_one_who_leaves_takes_nothing_from_the_others(fake_clock: FakeClock) -> None:
    """A request that is cancelled while its name is looked up does not cancel it for the others."""

    async def story() -> None:
        _, resolver = make(fake_clock)
        first = asyncio.ensure_future(resolver.resolve("a"))
        second = asyncio.ensure_future(resolver.resolve("a"))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == ("10.0.0.1", "10.0.0.2")
        assert first.cancelled()

    asyncio.run(story())


def test_the_address_that_answers_comes_first(fake_clock: FakeClock) -> None:
    """An address that has answered is tried first from then on; a name of which none answers is looked up anew."""

    async def story() -> None:
        names, resolver = make(fake_clock)
        await resolver.resolve("a")
        resolver.prefer("a", "10.0.0.2")
        assert await resolver.resolve("a") == ("10.0.0.2", "10.0.0.1")
        resolver.prefer("a", "10.9.9.9")
        resolver.prefer("b", "10.0.0.2")
        assert await resolver.resolve("a") == ("10.0.0.2", "10.0.0.1")
        resolver.forget("a")
        assert await resolver.resolve("a") == ("10.0.0.1", "10.0.0.2")
        assert names.asked == ["a", "a"]

    asyncio.run(story())


@pytest.mark.parametrize("host", ["10.1.2.3", "::1", "fd00::1"])
def test_an_address_needs_no_directory(fake_clock: FakeClock, host: str) -> None:
    """An address is its own answer."""

    async def story() -> None:
        names, resolver = make(fake_clock)
        assert await resolver.resolve(host) == (host,)
        assert names.asked == []

    asyncio.run(story())


def test_the_system_knows_this_machine() -> None:
    """The system's own directory gives each address once."""

    async def story() -> None:
        found = await look_up("localhost")
        assert "127.0.0.1" in found or "::1" in found
        assert len(found) == len(set(found))

    asyncio.run(story())
