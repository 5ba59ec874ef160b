"""Mould: which events have the form of an earlier one, and what they are shown as."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.wire.mould import Lessons, Mould

BEFORE = b'data: {"model":"m","choices":[{"delta":{"content": "'
AFTER = b'"},"finish_reason":null}]}\n\n'
EVENT = BEFORE + b"Hi" + AFTER


def learn(event: bytes, key: str = "content", text: str = "Hi") -> Mould | None:
    """Learn from one event, as the first lesson."""
    return Lessons().learn(event, key, text, 1)


@given(st.text(min_size=1))
def test_an_event_of_the_form_says_its_text(text: str) -> None:
    """Whatever text a server writes as JSON is read from its event."""
    mould = learn(EVENT)
    assert mould is not None
    assert mould.text_in(BEFORE + msgspec.json.encode(text)[1:-1] + AFTER) == text


@pytest.mark.parametrize(
    "inside",
    [b"", b'"', b"\\", b'a","b":"c', b"a\nb", b"\x01", b"\xff", b"\\q", b"\\ud800", b'a"}\n\ndata: {"x":"', b'" "'],
)
def test_what_is_no_text_is_of_no_form(inside: bytes) -> None:
    """An empty text, what is more than one string, and what is no string at all are left to a full reading."""
    assert Mould(BEFORE, AFTER).text_in(BEFORE + inside + AFTER) == ""


@pytest.mark.parametrize("event", [b"", EVENT[:-1], b" " + EVENT, BEFORE[:-1] + AFTER[1:], BEFORE + AFTER[1:]])
def test_other_events_are_of_another_form(event: bytes) -> None:
    """What begins or ends in another way is left to a full reading, also where both ends overlap."""
    assert Mould(BEFORE, AFTER).text_in(event) == ""


@pytest.mark.parametrize(
    "event, key",
    [
        (EVENT, "text"),
        (EVENT.replace(b"Hi", b"\\u0048i"), "content"),
        (EVENT.replace(b"Hi", b"Hi there"), "content"),
        (EVENT.replace(b'"model":"m"', b'"content":"Hi"'), "content"),
        (EVENT[:-1], "content"),
        (EVENT + EVENT, "content"),
        (EVENT.replace(b'"m"', b'"%b"' % (b"m" * 2048)), "content"),
    ],
)
def test_nothing_is_learnt_where_there_is_doubt(event: bytes, key: str) -> None:
    """A text that can't be found exactly once, or is not the whole string, teaches nothing, nor does a piece."""
    assert learn(event, key) is None


def test_an_event_is_shown_with_other_names() -> None:
    """What stands around the text can be shown in other words; the text stays its own."""
    mould = Mould(BEFORE, AFTER)
    named = mould.shown_with((b'"m"', b'"seedling"'), (b'"finish_reason":null', b'"finish_reason": null'))
    event = EVENT.replace(b"Hi", b'\\"m\\"')
    assert mould.show(event) == mould.shown_with((b"absent", b"x")).show(event) == event
    shown = event.replace(b'"m"', b'"seedling"', 1).replace(b":null", b": null")
    assert (named.show(event), named.text_in(event)) == (shown, '"m"')


def test_a_server_that_never_repeats_itself_is_given_up() -> None:
    """After the first few lessons there is one in 32 tokens."""
    lessons = Lessons()
    learnt = [lessons.learn(EVENT, "content", "Hi", said) is not None for said in range(200)]
    assert (sum(learnt[:20]), sum(learnt)) == (9, 15)
