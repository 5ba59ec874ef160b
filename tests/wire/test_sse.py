"""Server-sent events: the frame of one event."""

from setaria.wire.sse import write_data, write_event


def test_an_event_without_a_name() -> None:
    """A payload gets its data field and the blank line that ends the event."""
    assert write_data(b"[DONE]") == b"data: [DONE]\n\n"


def test_an_event_with_a_name() -> None:
    """The name stands before the payload."""
    assert write_event(b"ping", b"{}") == b"event: ping\ndata: {}\n\n"
