"""Heads of answers: what is announced is in them, whatever the answer is."""

from setaria.entrypoints.api.answer_head import stream_head, whole_head

LEFT = "x-setaria-plan-remaining: 10\r\n"


def test_a_whole_answer_has_the_headers_that_were_announced() -> None:
    """Each on a line of its own, before the empty one."""
    head = whole_head(200, 5, "today", "c1", LEFT, close=False)
    assert head.endswith(b"x-request-id: c1\r\nx-setaria-plan-remaining: 10\r\n\r\n")


def test_a_stream_has_them_too() -> None:
    """And none where there are none."""
    assert b"x-request-id: c1\r\nx-setaria-plan-remaining: 10\r\ntransfer-encoding: chunked\r\n\r\n" in stream_head(
        "today", "c1", LEFT, chunked=True
    )
    assert stream_head("today", "c1", chunked=False).endswith(b"x-request-id: c1\r\nconnection: close\r\n\r\n")
