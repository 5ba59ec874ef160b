"""Server-sent events: puts a payload into the frame of one event.

Source: HTML Living Standard, section 9.2 "Server-sent events", read November 2026.
"""


def write_data(payload: bytes) -> bytes:
    """Frame a payload without line breaks, as JSON is written, as an event that has no name."""
    return b"data: %b\n\n" % payload


def write_event(name: bytes, payload: bytes) -> bytes:
    """Frame a payload without line breaks as an event with a name."""
    return b"event: %b\ndata: %b\n\n" % (name, payload)
