"""Codec: the Anthropic Messages protocol, seen from the client's side.

Source: platform.claude.com/docs/en/api/messages and its page on streaming, the types of the official Python SDK 2.12,
and the servers of vLLM and the reference platform, read November 2026.
"""

from setaria.core.dialogue import Dialogue
from setaria.core.errors import CallerError, UpstreamError
from setaria.core.events import Event
from setaria.core.protocol import ProtocolName
from setaria.core.usage import Usage
from setaria.wire.anthropic_messages.client.answer import read_answer, relay_answer
from setaria.wire.anthropic_messages.client.errors import read_error
from setaria.wire.anthropic_messages.client.reader import MessagesReader
from setaria.wire.anthropic_messages.client.relay import MessagesRelay
from setaria.wire.anthropic_messages.client.request import write_request
from setaria.wire.anthropic_messages.client.rewrite import rewrite_request
from setaria.wire.codec import Envelope
from setaria.wire.upstream_codec import Header, Manner


class AnthropicUpstream:
    """The protocol of model servers that offer `POST /v1/messages`; implements `UpstreamCodec`."""

    name: ProtocolName = "anthropic_messages"
    path = "/v1/messages"

    def headers(self, key: str) -> tuple[Header, ...]:
        """Give the headers that say who asks and in which version; none for the key when it is empty."""
        version = (b"anthropic-version", b"2023-06-01")
        return ((b"x-api-key", key.encode()), version) if key else (version,)

    def write_request(self, dialogue: Dialogue, manner: Manner, *, stream: bool) -> bytes:
        """Write a dialogue that came in another protocol.

        Raises: InvalidRequest for sound or film, which the protocol has no place for.
        """
        return write_request(dialogue, manner, stream=stream)

    def rewrite_request(self, envelope: Envelope, dialogue: Dialogue, manner: Manner) -> bytes:
        """Write a request that came in this protocol: its own bytes, with only the necessary fields changed."""
        return rewrite_request(envelope, dialogue, manner)

    def open_reader(self, dialogue: Dialogue) -> MessagesReader:  # noqa: ARG002 - this protocol's answers say it all
        """Start reading a streamed answer as events."""
        return MessagesReader()

    def read_answer(self, body: bytes, dialogue: Dialogue) -> list[Event]:  # noqa: ARG002 - as open_reader
        """Read a whole answer as events.

        Raises: UpstreamFailed when it is no legal answer; an error that it tells.
        """
        return read_answer(body)

    def open_relay(self, model: str, input_tokens: int) -> MessagesRelay:
        """Start reading along a streamed answer that is relayed; `model` is the public id to show."""
        return MessagesRelay(model, input_tokens)

    def relay_answer(self, body: bytes, model: str, dialogue: Dialogue) -> tuple[bytes, Usage | None, int]:
        """Read a whole answer that is relayed; see `UpstreamCodec.relay_answer`.

        Raises: UpstreamFailed when it is no legal answer; an error that it tells.
        """
        return relay_answer(body, model, dialogue)

    def read_error(self, status: int, body: bytes, retry_after_s: int | None) -> UpstreamError | CallerError:
        """Say what an answer with an error status means for us and for the caller."""
        return read_error(status, body, retry_after_s)
