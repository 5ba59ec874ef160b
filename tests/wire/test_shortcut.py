"""Shortcut: what may pass, and what is refused with nothing done; that it changes nothing is tested in the gateway."""

import pytest

from setaria.wire.frame import Frame, KeptFrame, NotedFrame, WrittenFrame
from setaria.wire.http_chunk import LISTED_LENGTHS, write_chunk
from setaria.wire.mould import Mould
from setaria.wire.shortcut import Shortcut

MOULD = Mould(b'data: {"text":"', b'"}\n\n')
OTHER = Mould(b'data: {"thought":"', b'"}\n\n')
PLENTY = 1000


def event(inside: bytes, mould: Mould = MOULD) -> bytes:
    """Write an event of the form, as it is between the quotes."""
    return mould.before + inside + mould.after


class Road:
    """A shortcut, and what was sent by it."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.shortcut = Shortcut()

    def open(self, frame: Frame | None = None, room_tokens: int = PLENTY, mould: Mould = MOULD) -> None:
        """Let events pass."""
        self.shortcut.open(mould, frame, self.sent.append, room_tokens)

    def take(self, *insides: bytes, mould: Mould = MOULD) -> list[bool]:
        """Say events of the form."""
        return [self.shortcut.pass_on(write_chunk(event(inside, mould))) for inside in insides]


def test_it_is_closed_until_it_is_opened_and_once_it_is_closed() -> None:
    """Nothing passes a shortcut that is closed; what passed before stays counted."""
    road = Road()
    assert road.take(b"a") == [False]
    road.open()
    assert road.take(b"a", b"b" * 17) == [True, True]
    road.shortcut.close()
    assert road.take(b"c") == [False]
    assert road.sent == [write_chunk(event(b"a")), write_chunk(event(b"b" * 17))]
    assert (road.shortcut.passed_tokens, road.shortcut.thought_tokens) == (6, 0)
    road.open(mould=OTHER)
    assert (road.take(b"d"), road.take(b"d", mould=OTHER)) == ([False], [True])


@pytest.mark.parametrize("room_tokens, passed", [(0, 0), (1, 0), (2, 1), (3, 2), (-5, 0)])
def test_room(room_tokens: int, passed: int) -> None:
    """Less passes than there is room for, after each opening: at the last token somebody has to see to more."""
    road = Road()
    for _ in range(2):
        road.open(room_tokens=room_tokens)
        assert road.take(b"a", b"b", b"c") == [at < passed for at in range(3)]


@pytest.mark.parametrize(
    "data",
    [
        b"",
        event(b"a"),
        write_chunk(event(b"a"))[:-1],
        write_chunk(event(b"a")) + b"0\r\n\r\n",
        write_chunk(event(b"a")) * 2,
        write_chunk(event(b"a") * 2),
        write_chunk(event(b"a"))[1:],
        b"0" + write_chunk(event(b"a")),
        write_chunk(event(b"a")).replace(b"\r\n", b";x=y\r\n", 1),
        write_chunk(event(b"a" * LISTED_LENGTHS)),
        write_chunk(event(b"a")[1:]),
        write_chunk(event(b"a", OTHER)),
        write_chunk(MOULD.before + MOULD.after[1:]),
        write_chunk(MOULD.before[:-1] + MOULD.after[1:]),
        *(
            write_chunk(event(inside))
            for inside in (b"", b'"', b"\\", b'a","text":"b', b"a\nb", b"\x01", b"\xff", b"\xe2\x80", b"\\ud800")
        ),
    ],
)
def test_what_is_of_another_form_is_refused(data: bytes) -> None:
    """Whatever is not one whole chunk with one event of the form is left to the long way, and not counted."""
    road = Road()
    road.open()
    assert (road.shortcut.pass_on(data), road.sent, road.shortcut.passed_tokens) == (False, [], 0)


noted: list[bytes] = []


@pytest.mark.parametrize(
    "frame, shown, thought_tokens",
    [
        (KeptFrame(b"<", b">"), b'<"\\u0061\\n">', 0),
        (WrittenFrame(b"<", b">"), b'<"a\\n">', 0),
        (WrittenFrame(b"<", b">", is_thought=True), b'<"a\\n">', 1),
        (NotedFrame(b"<", b">", noted.append), b'<"a\\n">', 1),
    ],
)
def test_frames(frame: Frame, shown: bytes, thought_tokens: int) -> None:
    """An event is shown in its frame; reasoning is counted as such while it is shown in a frame for it."""
    noted.clear()
    road = Road()
    road.open(frame)
    assert road.take(b"\\u0061\\n") == [True]
    assert (road.sent, noted) == ([write_chunk(shown)], [b"a\n"] if isinstance(frame, NotedFrame) else [])
    road.open(WrittenFrame(b"", b""))
    assert road.take(b"b") == [True]
    road.open(frame)
    road.open(frame)
    assert road.take(b"c") == [True]
    assert (road.shortcut.passed_tokens, road.shortcut.thought_tokens) == (3, 2 * thought_tokens)
