"""HTTP head: a message that differs from a known one in its length alone is known, and no other."""

import pytest

from setaria.wire.http_head import learn_head

HEAD = b"HTTP/1.1 200 OK\r\nserver: x\r\nContent-Length: 5\r\nx: y\r\n\r\n"


def test_a_message_of_another_length_is_known() -> None:
    """The body of a message whose head differs in the number alone is found."""
    known = learn_head(HEAD + b"hello")
    assert known is not None
    other = HEAD.replace(b"5", b"11") + b"hello world"
    assert other[known.find_body(other) :] == b"hello world"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        HEAD,
        HEAD + b"hell",
        HEAD + b"hello!",
        HEAD.replace(b"5", b"") + b"hello",
        HEAD.replace(b"5", b"+5") + b"hello",
        HEAD.replace(b"5", b"5, 5") + b"hello",
        HEAD.replace(b"5", b"0" * 10 + b"5") + b"hello",
        HEAD.replace(b"x: y", b"x: z") + b"hello",
        HEAD.replace(b"server", b"sender") + b"hello",
        HEAD.replace(b"x: y", b"x: y\r\ntransfer-encoding: chunked") + b"hello",
    ],
)
def test_any_other_is_not(data: bytes) -> None:
    """What is not the whole of one message with this head is left to the parser."""
    known = learn_head(HEAD + b"hello")
    assert known is not None
    assert known.find_body(data) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n",
        b"HTTP/1.1 200 OK\r\nx: y\r\n\r\n",
        HEAD + b"hello, and more",
        HEAD.replace(b"x: y", b"content-length: 5") + b"hello",
        b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"hello",
    ],
)
def test_another_form_is_not_learned(data: bytes) -> None:
    """Only a whole message with one plain length is learned."""
    assert learn_head(data) is None
