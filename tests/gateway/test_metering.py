"""What the gateway tells the meter."""

import pytest

from setaria.core.entries import UpstreamEntry
from setaria.core.protocol import ProtocolName
from setaria.wire.anthropic_messages import AnthropicMessages
from setaria.wire.openai_chat import OpenAIChat
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
from tests.gateway.calling import PROTOCOLS, begin, body_of, play

EVERYTHING = {"stream": True, "temperature": 1, "top_p": 0.9, "tools": [], "thinking": {"type": "disabled"}}


def make_call(protocol: ProtocolName, **fields: object) -> Stage:
    """Make one call on a platform whose upstream takes the unknown field `best_of`."""

    async def story(stage: Stage) -> None:
        entry = UpstreamEntry(name="scripted", kind="openai", pass_fields=("best_of",))
        stage.platform.catalog.renew(stage.platform.catalog.models, (entry,))
        _, task = begin(stage, protocol, RecordingClient(body_of(**fields)))
        await task

    return play(story)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_call_is_counted_as_it_is_on_the_books(protocol: ProtocolName) -> None:
    """Every row is counted, once."""
    stage = make_call(protocol, **EVERYTHING)
    assert stage.meter.calls == stage.ledger.rows
    assert len(stage.meter.calls) == 1
    assert (stage.meter.dropped_fields, stage.meter.lost_settlements) == ([], 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_dropped_fields_are_counted(protocol: ProtocolName) -> None:
    """Unknown fields count, those that the upstream wants do not, and known ones never do."""
    stage = make_call(protocol, **EVERYTHING, best_of=2, service_tier="auto", user="u")
    assert stage.meter.dropped_fields == [(protocol, 2)]
    assert make_call(protocol, best_of=2).meter.dropped_fields == [(protocol, 0)]


def test_a_call_that_never_gets_on_the_books_is_counted_apart() -> None:
    """It is lost, and no call."""

    async def story(stage: Stage) -> None:
        await stage.platform.keys.find(stage.key)
        stage.ledger.fails = 1
        stage.spool.is_broken = True
        _, task = begin(stage, "openai_chat", RecordingClient(body_of()))
        await task

    meter = play(story).meter
    assert (meter.calls, meter.lost_settlements) == ([], 1)


def test_a_refused_call_is_no_call() -> None:
    """Whoever tells the client counts it."""
    assert make_call("openai_chat", model="nothing").meter.calls == []


@pytest.mark.parametrize(
    "codec, fields",
    [
        (OpenAIChat(), {"messages", "stream_options", "max_completion_tokens", "reasoning_effort", "audio"}),
        (AnthropicMessages(), {"system", "max_tokens", "thinking", "output_config", "output_format", "top_k"}),
    ],
)
def test_what_the_platform_reads_is_known(codec: OpenAIChat | AnthropicMessages, fields: set[str]) -> None:
    """Fields with a meaning are never counted as dropped."""
    assert fields - codec.known_fields == set()
