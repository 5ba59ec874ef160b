"""Outbox: what is put in goes out when the turn is over, in order."""

import asyncio

from setaria.core.outbox import Outbox


class Way:
    """Keeps what is sent."""

    def __init__(self, sent: list[bytes]) -> None:
        self.sent = sent

    def send(self, data: bytes) -> None:
        self.sent.append(data)


def test_what_is_put_in_goes_out_after_the_turn() -> None:
    """Nothing is sent within the turn, all of it right after, and what comes then goes out after the next."""

    async def story() -> list[list[bytes]]:
        sent: list[bytes] = []
        outbox, one, other = Outbox(), Way(sent), Way(sent)
        seen = []
        for data in (b"a", b"b", b"c"):
            outbox.put(one if data == b"b" else other, data)
        seen.append([*sent])
        await asyncio.sleep(0)
        seen.append([*sent])
        outbox.put(one, b"d")
        await asyncio.sleep(0)
        seen.append([*sent])
        return seen

    assert asyncio.run(story()) == [[], [b"a", b"b", b"c"], [b"a", b"b", b"c", b"d"]]


def test_a_way_that_is_closed_stops_no_other() -> None:
    """What comes after it in the outbox goes out all the same."""

    class Closed:
        """A transport that was closed."""

        def send(self, data: bytes) -> None:
            raise RuntimeError("the handler is closed")

    sent: list[bytes] = []

    async def story() -> None:
        outbox = Outbox()
        outbox.put(Closed(), b"a")
        outbox.put(Way(sent), b"b")
        await asyncio.sleep(0)

    asyncio.run(story())
    assert sent == [b"b"]


def test_who_can_not_wait_sends_all_at_once() -> None:
    """A flush sends what waits, and nothing is sent twice."""

    async def story() -> list[bytes]:
        sent: list[bytes] = []
        outbox = Outbox()
        outbox.put(Way(sent), b"a")
        outbox.flush()
        sent.append(b"b")
        await asyncio.sleep(0)
        return sent

    assert asyncio.run(story()) == [b"a", b"b"]
