"""Codec: the Anthropic Messages protocol, as the gateway asks for it.

Source: platform.claude.com/docs/en/api/messages and the types of the official Python SDK 2.12, read November 2026.
"""

from collections.abc import Sequence

from setaria.core.answer import Answer
from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.protocol import ProtocolName
from setaria.core.traits import Traits
from setaria.wire.anthropic_messages.answer import write_answer
from setaria.wire.anthropic_messages.count import write_count
from setaria.wire.anthropic_messages.errors import write_error
from setaria.wire.anthropic_messages.joined import MessagesJoiner
from setaria.wire.anthropic_messages.models import write_model, write_models
from setaria.wire.anthropic_messages.request import KNOWN_FIELDS, read_counted_dialogue, read_dialogue
from setaria.wire.anthropic_messages.stream import AnthropicStream
from setaria.wire.codec import AnswerHead, Envelope, Joiner, StreamWriter
from setaria.wire.fields import optional_boolean, read_body, required_string
from setaria.wire.model_card import ModelCard
from setaria.wire.sse import write_event


class AnthropicMessages:
    """The protocol of `POST /anthropic/v1/messages` and the routes beside it; implements `Codec`."""

    name: ProtocolName = "anthropic_messages"
    keep_alive = write_event(b"ping", b'{"type":"ping"}')
    known_fields = KNOWN_FIELDS

    def read_envelope(self, body: bytes) -> Envelope:
        """Read which model is meant.

        Raises: InvalidRequest when the body is no JSON object (the message says where) or lacks a model.
        """
        fields = read_body(body)
        return Envelope(
            model=required_string(fields, "model", "model"),
            stream=optional_boolean(fields, "stream", "stream") or False,
            fields=fields,
        )

    def read_dialogue(self, envelope: Envelope, traits: Traits) -> Dialogue:
        """Read the whole request for a model with these traits, its defaults filled in and limits clamped.

        Raises: InvalidRequest, whose message and `param` name the field and what is allowed; TooLarge.
        """
        return read_dialogue(envelope.fields, traits)

    def read_count_request(self, envelope: Envelope, traits: Traits) -> Dialogue:
        """Read what of a request to count takes input tokens; fields that take none are not looked at.

        Raises: InvalidRequest, whose message and `param` name the field and what is allowed; TooLarge.
        """
        return read_counted_dialogue(envelope.fields, traits)

    def write_count(self, input_tokens: int) -> bytes:
        """Write the answer to a request to count."""
        return write_count(input_tokens)

    def write_answer(self, head: AnswerHead, answer: Answer) -> bytes:
        """Write a whole answer as one JSON body."""
        return write_answer(head, answer)

    def open_stream(self, head: AnswerHead) -> StreamWriter:
        """Start writing an answer as a stream."""
        return AnthropicStream(head)

    def open_joiner(self, head: AnswerHead) -> Joiner:
        """Start to put a relayed stream together as a whole answer; ids and unknown fields stay the server's."""
        return MessagesJoiner(head)

    def write_error(self, error: SetariaError, call_id: CallId) -> tuple[int, bytes]:
        """Give an error's HTTP status and JSON body."""
        return write_error(error, call_id)

    def write_error_event(self, error: SetariaError, call_id: CallId) -> bytes:
        """Write an error as the last event of a stream."""
        return write_event(b"error", write_error(error, call_id)[1])

    def write_models(self, cards: Sequence[ModelCard]) -> bytes:
        """Write the list of models, in the order given."""
        return write_models(cards)

    def write_model(self, card: ModelCard) -> bytes:
        """Write one model."""
        return write_model(card)
