"""Truth: odd counts of model servers are cut, told and kept to be looked at; the call is."""

import pytest

from setaria.core.errors import UpstreamCut
from setaria.core.events import Finish, TextDelta, UsageReport
from setaria.core.usage import CountsFrom, Usage
from setaria.gateway.flow import NotBegun
from tests.fakes.client import RecordingClient
from tests.fakes.platform import Stage
from tests.fakes.scripted_upstream import ScriptedUpstream
from tests.gateway.calling import body_of, call, play


@pytest.mark.parametrize(
    "told, counts_from, charged, odd",
    [
        pytest.param(Usage(900, output_tokens=50), "upstream", Usage(900, output_tokens=50), "", id="plausible"),
        pytest.param(
            Usage(5000, output_tokens=2),
            "upstream",
            Usage(1000, output_tokens=2),
            "odd usage: input 5000, estimated 10",
            id="input",
        ),
        pytest.param(
            Usage(50, 600, 700, 2, 0),
            "upstream",
            Usage(0, 600, 400, 2, 0),
            "odd usage: input 1350, estimated 10",
            id="input of all classes",
        ),
        pytest.param(
            Usage(7, output_tokens=9000, reasoning_tokens=8000),
            "upstream",
            Usage(7, output_tokens=1000, reasoning_tokens=1000),
            "odd usage: output 9000, seen 4",
            id="output",
        ),
        pytest.param(
            Usage(5000, output_tokens=4),
            "estimate",
            Usage(1000, output_tokens=4),
            "odd usage: input 5000, estimated 10",
            id="input, where the output is our own count",
        ),
        pytest.param(Usage(10, output_tokens=4), "estimate", Usage(10, output_tokens=4), "", id="our own count"),
    ],
)
def test_what_a_server_says_is_held_against_what_was_seen(
    told: Usage, counts_from: CountsFrom, charged: Usage, odd: str
) -> None:
    """More than ten times our own count is cut, noted on the row, and goes to quarantine beside the books."""

    async def story(stage: Stage) -> None:
        await call(stage, "openai_chat", RecordingClient(body_of()))

    script = ((TextDelta("Hello"), TextDelta(" there")), (Finish("stop"), UsageReport(told, counts_from)))
    stage = play(story, ScriptedUpstream(*script))
    (row,) = stage.ledger.rows
    assert (row.usage, row.note, stage.ledger.oddities[row.id]) == (charged, odd, odd)


def test_a_server_that_counts_nothing() -> None:
    """The call is charged by the estimate, and its row says so."""

    async def story(stage: Stage) -> None:
        await call(stage, "openai_chat", RecordingClient(body_of(stream=True)))

    script = ((TextDelta("Hello"), Finish("stop")), UpstreamCut("it told no counts"))
    (row,) = play(story, ScriptedUpstream(*script)).ledger.rows
    assert (row.counts_from, row.usage, row.note) == ("estimate", Usage(10, output_tokens=1), "")


@pytest.mark.parametrize(
    "counts_from, told, charged, odd",
    [
        pytest.param("upstream", Usage(7), Usage(7), "odd usage: prompt_tokens -5", id="the rest holds"),
        pytest.param("estimate", Usage(7), Usage(7), "odd usage: prompt_tokens -5", id="nothing holds"),
        pytest.param(
            "upstream",
            Usage(5000),
            Usage(1000),
            "odd usage: prompt_tokens -5; input 5000, estimated 10",
            id="the rest is odd too",
        ),
    ],
)
def test_a_count_that_can_not_be_true(counts_from: CountsFrom, told: Usage, charged: Usage, odd: str) -> None:
    """It is charged by what is left of the counts, or our own; the row tells it, and it goes to quarantine as well."""

    async def story(stage: Stage) -> None:
        await call(stage, "openai_chat", RecordingClient(body_of()))

    upstream = ScriptedUpstream((TextDelta("Hi"), Finish("stop"), UsageReport(told, counts_from)))
    upstream.doubt = "prompt_tokens -5"
    stage = play(story, upstream)
    (row,) = stage.ledger.rows
    assert (row.usage, row.note, stage.ledger.oddities[row.id]) == (charged, odd, odd)


def test_a_call_that_has_not_begun() -> None:
    """It has no counts, so none that is wrong."""
    assert (NotBegun().seen_usage(), NotBegun().doubt()) == (None, "")
