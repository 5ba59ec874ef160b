"""Settle: a call that can't be put on the books now is kept on the disk, and never lost in silence."""

import asyncio

import msgspec
import pytest

from setaria.core.errors import UpstreamCut, UpstreamFailed
from setaria.core.events import TextDelta
from setaria.core.protocol import ProtocolName
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
from tests.fakes.scripted_upstream import HELLO, PAUSE, ScriptedUpstream
from tests.fakes.waiting import turns, until
from tests.gateway.calling import PROTOCOLS, begin, body_of, play


def lose(stage: Stage) -> None:
    """Let neither store nor spool take the next call."""
    stage.ledger.fails = 1
    stage.spool.is_broken = True


CALLS = [(protocol, stream) for protocol in PROTOCOLS for stream in (False, True)]


async def know_the_key(stage: Stage) -> None:
    """Look the key up before the store goes away."""
    await stage.platform.keys.find(stage.key)


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_store_that_is_away(protocol: ProtocolName, stream: bool) -> None:
    """While the store is away the call is kept in the spool, and the client gets its whole answer."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        await know_the_key(stage)
        stage.ledger.fails = 1
        _, task = begin(stage, protocol, client)
        await task

    stage = play(story)
    assert stage.ledger.rows == []
    assert [(row.ending, row.status) for row in stage.spool.calls] == [("completed", 200)]
    assert stage.log.events == ["settlement_spooled", "call"]
    assert stage.meter.calls == stage.spool.calls
    assert b"[DONE]" in client.told or b"message_stop" in client.told or not stream
    assert (client.is_over, client.was_broken_off, client.status) == (True, False, 0 if stream else 200)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_an_answer_that_was_cut_anyway(protocol: ProtocolName) -> None:
    """A stream that ends in an error tells that error, whether the row could be written at once or not."""
    client = RecordingClient(body_of(stream=True))

    async def story(stage: Stage) -> None:
        await know_the_key(stage)
        lose(stage)
        _, task = begin(stage, protocol, client)
        await task

    stage = play(story, ScriptedUpstream((TextDelta("Hello"),), UpstreamCut("it broke off")))
    assert (client.stream.count(b"it broke off"), client.stream.count(b"full")) == (1, 0)
    assert stage.log.fields_of("settlement_lost")["ending"] == "upstream_cut"


def test_a_failure_that_can_not_be_settled() -> None:
    """A call that failed and can't be settled either is told the second, for waiting helps there."""
    client = RecordingClient(body_of())

    async def story(stage: Stage) -> None:
        await know_the_key(stage)
        lose(stage)
        _, task = begin(stage, "openai_chat", client)
        await task

    play(story, ScriptedUpstream(UpstreamFailed("it is broken")))
    assert (client.status, client.headers) == (503, {"retry-after": "1"})


@pytest.mark.parametrize("protocol, stream", CALLS)
def test_a_call_that_can_not_be_kept(protocol: ProtocolName, stream: bool) -> None:
    """A call that neither store nor spool takes goes to the log, whole, and its client is told, once."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        await know_the_key(stage)
        lose(stage)
        call, task = begin(stage, protocol, client)
        await task
        assert stage.log.fields_of("settlement_lost")["id"] == call.call_id

    stage = play(story)
    assert (stage.ledger.rows, stage.spool.calls) == ([], [])
    assert set(stage.log.fields_of("settlement_lost")) > {"at_ms", "usage", "charge_nano", "attempts", "duration_ms"}
    assert client.told.count(b"the disk is full") == 1
    assert b"[DONE]" not in client.told
    assert b"message_stop" not in client.told
    assert not client.was_broken_off


@pytest.mark.parametrize("stream", [False, True])
def test_a_defect_in_the_ledger(stream: bool) -> None:
    """A row that a defect keeps from being written goes to the log, whole, and its answer gets no good end."""
    client = RecordingClient(body_of(stream=stream))

    async def story(stage: Stage) -> None:
        stage.ledger.defect = ZeroDivisionError()
        _, task = begin(stage, "openai_chat", client)
        with pytest.raises(ZeroDivisionError):
            await task

    assert play(story).log.events == ["settlement_lost"]
    assert not client.is_over


def test_a_process_that_ends_too_early() -> None:
    """A row that is still to be written when the process ends goes to the log."""
    client = RecordingClient(body_of())

    async def story(stage: Stage) -> None:
        _, task = begin(stage, "openai_chat", client)
        await until(lambda: stage.upstream.attempts)
        stage.ledger.close()
        stage.upstream.go_on()
        await until(lambda: stage.ledger.waiting)
        task.cancel()
        await turns()
        with pytest.raises(asyncio.CancelledError):
            await task

    assert play(story, ScriptedUpstream(PAUSE, *HELLO)).log.events == ["settlement_lost"]


def test_the_log_can_write_a_lost_row() -> None:
    """What goes to the log for a lost row can be written as JSON."""
    client = RecordingClient(body_of())

    async def story(stage: Stage) -> None:
        stage.ledger.defect = ZeroDivisionError()
        _, task = begin(stage, "openai_chat", client)
        with pytest.raises(ZeroDivisionError):
            await task

    fields = play(story).log.fields_of("settlement_lost")
    assert msgspec.json.decode(msgspec.json.encode(fields))["usage"]["output_tokens"] == 3
