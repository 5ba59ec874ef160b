"""Codec: Chat Completions, seen from the client's side, in the form that the gateway knows all protocols by."""

from setaria.core.dialogue import Dialogue
from setaria.core.errors import CallerError, UpstreamError
from setaria.core.events import Event
from setaria.core.protocol import ProtocolName
from setaria.wire.openai_chat.client.answer import read_answer, relay_answer
from setaria.wire.openai_chat.client.errors import read_error
from setaria.wire.openai_chat.client.reader import ChatReader
from setaria.wire.openai_chat.client.relay import ChatRelay
from setaria.wire.openai_chat.client.request import write_request
from setaria.wire.openai_chat.client.rewrite import rewrite_request
from setaria.wire.upstream_codec import EventReader, Header, Manner, RelayReader


class OpenAIUpstream:
    """`POST {base_url}/chat/completions` on vLLM, SGLang, llama.cpp or any provider."""

    name: ProtocolName = "openai_chat"
    path = "/chat/completions"

    def headers(self, key: str) -> tuple[Header, ...]:
        """Give the header that says who asks; none when the key is empty."""
        return ((b"authorization", b"Bearer " + key.encode()),) if key else ()

    def write_request(self, dialogue: Dialogue, manner: Manner, *, stream: bool) -> bytes:
        """Write a dialogue that came in another protocol."""
        return write_request(dialogue, manner, stream=stream)

    rewrite_request = staticmethod(rewrite_request)  # and not a method round it: a step less

    def open_reader(self, dialogue: Dialogue) -> EventReader:
        """Start reading a streamed answer as events."""
        return ChatReader(dialogue)

    def read_answer(self, body: bytes, dialogue: Dialogue) -> list[Event]:
        """Read a whole answer as events.

        Raises: UpstreamFailed when it is no legal answer; what `read_error` gives when it is an error after all.
        """
        return read_answer(body, dialogue)

    def open_relay(self, model: str, input_tokens: int) -> RelayReader:
        """Start reading along a streamed answer that is relayed; `model` is the public id to show."""
        return ChatRelay(model, input_tokens)

    relay_answer = staticmethod(relay_answer)

    def read_error(self, status: int, body: bytes, retry_after_s: int | None) -> UpstreamError | CallerError:
        """Say what an answer with an error status means for us and for the caller."""
        return read_error(status, body, retry_after_s)
