"""Relayed: takes a stream apart that was relayed, and so was read before."""

from collections.abc import Iterator

import msgspec

from setaria.wire.sse_reader import read_data

_GAP = b"\n\n"
_BLANKS = b" \t\r\n"
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_read = msgspec.json.Decoder(dict[str, object]).decode


def is_whole_answer(relayed: bytes) -> bool:
    """Tell whether what was relayed is no stream but one JSON object: some servers don't stream, though asked to."""
    return relayed.lstrip(_BLANKS)[:1] == b"{"


def read_objects(stream: bytes) -> Iterator[dict[str, object]]:
    """Give the JSON objects that the events of a stream hold, in order; what holds none is passed over."""
    for event in stream.split(_GAP):
        try:
            yield _read(read_data(event))
        except _UNREADABLE:
            continue


def told(fields: object) -> dict[str, object]:
    """Give the fields of an object that have a value; none of what is no object."""
    return {name: value for name, value in fields.items() if value is not None} if isinstance(fields, dict) else {}
