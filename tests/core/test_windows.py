"""Windows: when they open and how long they last, over leap days and changes of the clock."""

import datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.core.windows import Span, WindowTimes, length_ms, span_at

HOUR_MS = 3_600_000
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "America/Santiago"]

# Berlin changes its clocks on 29 March and 25 October 2026; Santiago leaves out the first hour of 6 September.
CASES = """
5h rolling | 2026-11-25T21:30:00.250Z | 2026-11-25T21:30:00.250Z | 2026-11-26T02:30:00.250Z | rolling
day rolling | 2028-02-28T12:00Z | 2028-02-28T12:00Z | 2028-02-29T12:00Z | leap day
week rolling | 2026-12-29T12:00Z | 2026-12-29T12:00Z | 2027-01-05T12:00Z | new year
30d rolling | 2026-01-31T00:00Z | 2026-01-31T00:00Z | 2026-03-02T00:00Z | 30 days
5h calendar | 2026-11-25T04:59:59.999Z | 2026-11-25T00:00Z | 2026-11-25T05:00Z | hours
5h calendar | 2026-11-25T05:00Z | 2026-11-25T05:00Z | 2026-11-25T10:00Z | the next
5h calendar | 2026-11-25T21:30Z | 2026-11-25T20:00Z | 2026-11-26T00:00Z | rest of a day
day calendar | 2028-02-29T23:59Z | 2028-02-29T00:00Z | 2028-03-01T00:00Z | 29 February
week calendar | 2026-11-25T12:00Z | 2026-11-23T00:00Z | 2026-11-30T00:00Z | from Monday
week calendar | 2026-11-29T23:59:59Z | 2026-11-23T00:00Z | 2026-11-30T00:00Z | to Sunday
week calendar | 2027-01-01T00:00Z | 2026-12-28T00:00Z | 2027-01-04T00:00Z | over new year
day calendar Asia/Shanghai | 2026-11-25T16:00Z | 2026-11-25T16:00Z | 2026-11-26T16:00Z | zone ahead
week calendar America/New_York | 2026-11-23T04:59Z | 2026-11-16T05:00Z | 2026-11-23T05:00Z | zone behind
day calendar Europe/Berlin | 2026-03-29T12:00Z | 2026-03-28T23:00Z | 2026-03-29T22:00Z | 23 hours
day calendar Europe/Berlin | 2026-10-25T12:00Z | 2026-10-24T22:00Z | 2026-10-25T23:00Z | 25 hours
5h calendar Europe/Berlin | 2026-03-29T00:30Z | 2026-03-28T23:00Z | 2026-03-29T03:00Z | 4 of 5 hours
day calendar America/Santiago | 2026-09-06T12:00Z | 2026-09-06T04:00Z | 2026-09-07T03:00Z | no midnight
"""


def at(text: str) -> int:
    """Give a moment that is written in ISO 8601."""
    return int(datetime.datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize("case", CASES.strip().splitlines(), ids=lambda case: case.rpartition("| ")[2])
def test_a_call_is_in_a_window(case: str) -> None:
    """The window begins and ends at these moments."""
    times, moment, begin, end, _ = case.split(" | ")
    length, kind, *zone = times.split()
    window = msgspec.convert({"length": length, "kind": kind, "zone": (zone or ["UTC"])[0]}, WindowTimes)
    assert Span(at(begin), at(end)) == span_at(window, at(moment))


@given(
    st.sampled_from(["1h", "2h", "5h", "7h", "23h", "day", "week"]),
    st.sampled_from(ZONES),
    st.integers(at("2026-01-01T00:00Z"), at("2030-01-01T00:00Z")),
)
def test_calendar_windows_cover_all_time_once(length: str, zone: str, moment_ms: int) -> None:
    """Every moment is in its window, all moments of a window are in the same one, and the next begins where it ends."""
    times = WindowTimes(length, "calendar", zone)
    span = span_at(times, moment_ms)
    assert span.begin_ms <= moment_ms < span.end_ms
    assert {span} == {span_at(times, other) for other in (span.begin_ms, span.end_ms - 1)}
    assert span.end_ms == span_at(times, span.end_ms).begin_ms


@pytest.mark.parametrize("length, hours", [("1h", 1), ("5h", 5), ("2d", 48), ("day", 24), ("week", 168)])
def test_lengths(length: str, hours: int) -> None:
    """A rolling window lasts as long as it says, whatever clocks do."""
    assert hours * HOUR_MS == length_ms(length)
