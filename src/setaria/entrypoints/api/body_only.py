"""Body only: the parser's listener for the body of a request whose head was read by another parser."""

from typing import Protocol


class Listener(Protocol):
    """Who listens to a whole request."""

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        ...

    def on_message_complete(self) -> None:
        """End the request."""
        ...


class BodyOnly:
    """Tells a listener of the body and its end."""

    def __init__(self, listener: Listener) -> None:
        self.on_body = listener.on_body
        self.on_message_complete = listener.on_message_complete
