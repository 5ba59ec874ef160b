"""Long reads: a request that takes long to read keeps nobody else waiting, and is answered like any other."""

import asyncio
import threading

import pytest

from setaria.core.protocol import ProtocolName
from setaria.gateway.long_reads import LONG_BYTES, LongReads
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
from tests.fakes.waiting import until
from tests.gateway.calling import PROTOCOLS, body_of, call, play


def reading_threads() -> set[threading.Thread]:
    """Give the threads that read long requests."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("long-reads")}


@pytest.mark.parametrize("size_bytes, in_a_thread", [(LONG_BYTES, False), (LONG_BYTES + 1, True)])
def test_where_a_request_is_read(size_bytes: int, in_a_thread: bool) -> None:
    """A short one is read at once, a long one in a thread of its own."""
    body = body_of()
    before = reading_threads()

    async def story(stage: Stage) -> None:
        await call(stage, "openai_chat", RecordingClient(body + b" " * (size_bytes - len(body))))

    play(story)
    assert bool(reading_threads() - before) == in_a_thread


def test_others_go_on_while_a_long_request_is_read() -> None:
    """The loop turns while a thread reads."""
    begun, go_on = threading.Event(), threading.Event()

    def read(body: bytes) -> int:
        begun.set()
        assert go_on.wait(20)
        return len(body)

    async def story() -> int:
        reading = asyncio.ensure_future(LongReads().read(b" " * (LONG_BYTES + 1), read))
        await until(begun.is_set)
        assert not reading.done()
        go_on.set()
        return await reading

    assert asyncio.run(story()) == LONG_BYTES + 1


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("model, status, rows", [("seedling", 200, 1), ("nothing", 404, 0)])
def test_a_long_request(protocol: ProtocolName, model: str, status: int, rows: int) -> None:
    """It is answered or refused as a short one is."""
    client = RecordingClient(body_of(model=model) + b" " * LONG_BYTES)

    async def story(stage: Stage) -> None:
        await call(stage, protocol, client)

    stage = play(story)
    assert client.status == (status if protocol == "anthropic_messages" or rows else 400)
    assert len(stage.ledger.rows) == rows
