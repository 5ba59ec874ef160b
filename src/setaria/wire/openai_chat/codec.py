"""Codec: Chat Completions in the form that the gateway knows all protocols by."""

from setaria.core.answer import Answer
from setaria.core.dialogue import Dialogue
from setaria.core.errors import SetariaError
from setaria.core.ids import CallId
from setaria.core.protocol import ProtocolName
from setaria.core.traits import Traits
from setaria.wire.codec import AnswerHead, Envelope, Joiner, StreamWriter
from setaria.wire.fields import optional_boolean, read_body, required_string
from setaria.wire.openai_chat.answer import write_answer
from setaria.wire.openai_chat.errors import error_status, write_error
from setaria.wire.openai_chat.joined import ChatJoiner
from setaria.wire.openai_chat.plain_request import PlainEnvelope, dialogue_from_plain, read_plain_request
from setaria.wire.openai_chat.request import KNOWN_FIELDS, read_dialogue
from setaria.wire.openai_chat.stream import ChatStream
from setaria.wire.sse import write_data


class OpenAIChat:
    """`POST /v1/chat/completions`."""

    name: ProtocolName = "openai_chat"
    keep_alive = b": keep-alive\n\n"
    known_fields = KNOWN_FIELDS

    def read_envelope(self, body: bytes) -> Envelope:
        """Read which model is meant.

        Raises: InvalidRequest when the body is no JSON object (the message says where) or lacks a model.
        """
        fields = read_body(body)
        plain = read_plain_request(body)
        if plain is not None:
            return PlainEnvelope(plain.model, plain.stream or False, fields, plain)
        return Envelope(
            model=required_string(fields, "model", "model"),
            stream=optional_boolean(fields, "stream", "stream") or False,
            fields=fields,
        )

    def read_dialogue(self, envelope: Envelope, traits: Traits) -> Dialogue:
        """Read the whole request for a model with these traits, its defaults filled in and limits clamped.

        Raises: InvalidRequest, whose message and `param` name the field and what is allowed; TooLarge.
        """
        dialogue = dialogue_from_plain(envelope.plain, traits) if isinstance(envelope, PlainEnvelope) else None
        return dialogue or read_dialogue(envelope.fields, traits)

    def write_answer(self, head: AnswerHead, answer: Answer) -> bytes:
        """Write a whole answer as one JSON body."""
        return write_answer(head, answer)

    def open_stream(self, head: AnswerHead) -> StreamWriter:
        """Start writing an answer as a stream of chunks."""
        return ChatStream(head)

    def open_joiner(self, head: AnswerHead) -> Joiner:
        """Start to put a relayed stream together as a whole answer; ids and unknown fields stay the server's."""
        return ChatJoiner(head)

    def write_error(self, error: SetariaError, call_id: CallId) -> tuple[int, bytes]:  # noqa: ARG002 - has no place here
        """Give an error's HTTP status and JSON body; the protocol's errors do not name the call."""
        return error_status(error), write_error(error)

    def write_error_event(self, error: SetariaError, call_id: CallId) -> bytes:  # noqa: ARG002 - as above
        """Write an error as the last event of a stream, without an end mark after it."""
        return write_data(write_error(error))
