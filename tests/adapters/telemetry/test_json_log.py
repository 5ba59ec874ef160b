"""Lines of the log for programs."""

import asyncio
import io
import json

import pytest

from setaria.adapters.telemetry.json_log import PIECE_BYTES, JsonLog
from tests.fakes.clock import FakeClock


class Pieces(io.BytesIO):
    """Keeps what was written at once apart."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []

    def write(self, data: bytes) -> int:  # type: ignore[override]  # the log writes nothing but bytes
        self.pieces.append(data)
        return super().write(data)

    @property
    def events(self) -> list[str]:
        """Name what was logged, in order."""
        return [json.loads(line)["event"] for line in self.getvalue().splitlines()]


def open_log(output: Pieces) -> JsonLog:
    """Open a log that writes there."""
    return JsonLog("worker-1", output, FakeClock())


def test_a_line_says_who_when_and_what() -> None:
    """Process, event, level and moment stand beside the event's own fields; what is no JSON is written as text."""
    output = Pieces()
    JsonLog("worker-1", output, FakeClock(1_795_405_093_250)).info("call", status=200, error=ValueError("odd"))
    assert json.loads(output.getvalue()) == {
        "process": "worker-1",
        "event": "call",
        "level": "info",
        "timestamp": "2026-11-23T03:38:13.250Z",
        "status": 200,
        "error": "odd",
    }


def test_lines_of_one_turn_go_out_together() -> None:
    """Nothing is written before the turn of the loop is over, and all of it at once then."""

    async def story() -> tuple[int, int]:
        output = Pieces()
        log = open_log(output)
        log.info("one")
        log.info("two")
        before = len(output.pieces)
        await asyncio.sleep(0)
        return before, len(output.pieces)

    assert asyncio.run(story()) == (0, 1)


@pytest.mark.parametrize("level", ["warning", "error"])
def test_trouble_is_written_at_once_and_in_order(level: str) -> None:
    """What someone should see does not wait, and the lines before it go out first."""

    async def story() -> list[str]:
        output = Pieces()
        log = open_log(output)
        log.info("before")
        getattr(log, level)("trouble")
        return output.events

    assert asyncio.run(story()) == ["before", "trouble"]


def test_a_piece_is_no_longer_than_a_pipe_takes_whole() -> None:
    """Many lines go out in several pieces, each of whole lines; a line that is longer stands alone."""

    async def story() -> Pieces:
        output = Pieces()
        log = open_log(output)
        for number in range(40):
            log.info(str(number), filling="x" * 200)
        log.info("long", filling="x" * 2 * PIECE_BYTES)
        await asyncio.sleep(0)
        return output

    output = asyncio.run(story())
    assert output.events == [*map(str, range(40)), "long"]
    assert all(piece.endswith(b"\n") for piece in output.pieces)
    assert [len(piece) > PIECE_BYTES for piece in output.pieces] == [False] * (len(output.pieces) - 1) + [True]


def test_a_log_that_is_gone_breaks_nothing() -> None:
    """Lines that nobody takes are lost in silence."""
    output = Pieces()
    output.close()
    open_log(output).error("trouble")
    assert output.pieces == [output.pieces[0]]
