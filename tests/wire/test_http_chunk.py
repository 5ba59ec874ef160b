"""HTTP chunk: what is written as a chunk, and what is taken for a single whole one."""

import httptools
import pytest
from hypothesis import given
from hypothesis import strategies as st

from setaria.wire.http_chunk import read_whole_chunk, write_chunk


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 255, 256, 1022, 1023, 1024, 70_000])
def test_a_chunk_tells_its_size(size: int) -> None:
    """Whatever its size, a chunk is framed as the parser reads it; no bytes give no chunk."""
    assert write_chunk(b"x" * size) == (b"%x\r\n%b\r\n" % (size, b"x" * size) if size else b"")


@pytest.mark.parametrize("size", [1, 15, 16, 255, 256, 1023])
def test_a_whole_chunk_is_read_as_what_was_written(size: int) -> None:
    """A chunk of the usual form is known at sight."""
    assert read_whole_chunk(write_chunk(b"x" * size)) == b"x" * size


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"0\r\n\r\n",
        b"5\r\nhell\r\n",
        b"5\r\nhelloo\r\n",
        b"05\r\nhello\r\n",
        b"5;a=b\r\nhello\r\n",
        b"5\r\nhello",
        b"5\r\nhello\r\n5\r\nhello\r\n",
        b"5\r\nhello\r\n0\r\n\r\n",
        b"A\r\n0123456789\r\n",
        b"\r\n\r\n",
        b"\r\n" + b"x" * 17 + b"\r\n",
        write_chunk(b"x" * 1024),
    ],
)
def test_all_else_is_for_the_parser(data: bytes) -> None:
    """Two chunks, part of one, an end, and every less usual way to write a size are not taken for a whole chunk."""
    assert read_whole_chunk(data) == b""


class Bodies:
    """Takes bodies from the parser."""

    def __init__(self) -> None:
        self.body = b""
        self.chunks = 0

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_chunk_complete(self) -> None:
        self.chunks += 1


@given(st.binary(min_size=1, max_size=40) | st.builds(write_chunk, st.binary(min_size=1, max_size=300)))
def test_what_is_taken_for_a_chunk_the_parser_takes_for_one(data: bytes) -> None:
    """Whatever bytes come, what passes by the parser it would have read the same."""
    found = read_whole_chunk(data)
    if found:
        bodies = Bodies()
        parser = httptools.HttpResponseParser(bodies)
        parser.feed_data(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + data)
        assert (bodies.body, bodies.chunks) == (found, 1)
