"""Dialogue: what is asked of a model, in terms that belong to no protocol.

Protocols are read into a `Dialogue` and written from one; upstreams and engines see nothing else. Opaque things
travel as the JSON bytes they came as.
"""

from typing import Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class Text(msgspec.Struct, frozen=True, gc=False, tag="text"):
    """A piece of plain text."""

    text: str


class Reasoning(msgspec.Struct, frozen=True, gc=False, tag="reasoning"):
    """What the model thought in an earlier turn, with the signature it came back with (empty when none)."""

    text: str
    signature: str = ""


class Image(msgspec.Struct, frozen=True, gc=False, tag="image"):
    """A picture: either a URL (https or data), or base64 data with its media type."""

    url: str = ""
    data: str = ""
    media_type: str = ""


class ToolCall(msgspec.Struct, frozen=True, gc=False, tag="tool_call"):
    """A call that the model made; `arguments` is JSON text as the model or the client wrote it."""

    id: str
    name: str
    arguments: str


class Opaque(msgspec.Struct, frozen=True, gc=False, tag="opaque"):
    """A block of one protocol only, kept as its JSON bytes; `text` is what it says to who does not know its kind."""

    kind: str
    raw: bytes
    text: str = ""


class ToolResult(msgspec.Struct, frozen=True, gc=False, tag="tool_result"):
    """What a tool gave back for the call `call_id`."""

    call_id: str
    content: tuple[Text | Image | Opaque, ...]
    is_error: bool = False


Block = Text | Reasoning | Image | ToolCall | ToolResult | Opaque


class Message(msgspec.Struct, frozen=True, gc=False):
    """One turn. Tool results stand alone in messages of role `tool`."""

    role: Role
    blocks: tuple[Block, ...]
    name: str = ""


class Tool(msgspec.Struct, frozen=True, gc=False):
    """A function the model may call; `parameters` is a JSON Schema as JSON bytes, empty when it takes no arguments."""

    name: str
    description: str = ""
    parameters: bytes = b""
    strict: bool = False


class ToolChoice(msgspec.Struct, frozen=True, gc=False):
    """Whether and which tool must be called; `name` counts in mode `named` only."""

    mode: Literal["auto", "none", "required", "named"] = "auto"
    name: str = ""
    parallel: bool = True


class Sampling(msgspec.Struct, frozen=True, gc=False):
    """How the next token is drawn; values are final: defaults and forced values are already in.

    `logit_bias` adds to the score of single tokens of the model's own vocabulary: (token id, -100 to 100).
    """

    temperature: float
    top_p: float
    frequency_penalty: float = 0.0
    presence_penalty: float = 0.0
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()


class ResponseFormat(msgspec.Struct, frozen=True, gc=False):
    """The form the answer must have; `schema` is JSON bytes and counts for `json_schema` only."""

    kind: Literal["text", "json_object", "json_schema"] = "text"
    schema: bytes = b""


class Dialogue(msgspec.Struct, frozen=True, gc=False):
    """Everything a model needs to answer one call; limits are already clamped to the model's own.

    `left_out` names the types of server tools that the caller offered and the platform dropped, for the log.
    `has_variants`: a turn may have a role, or a field of its own, that servers of the caller's protocol know under
    another name. `continues`: the last turn, one of the assistant's, is the beginning of the answer; what is new goes
    on behind it.
    """

    messages: tuple[Message, ...]
    thinking: bool
    max_output_tokens: int
    sampling: Sampling
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    response_format: ResponseFormat = ResponseFormat()
    left_out: tuple[str, ...] = ()
    has_variants: bool = False
    continues: bool = False

    @property
    def thinks_first(self) -> bool:
        """Whether the answer is to begin with thinking; one that was begun already is past that."""
        return self.thinking and not self.continues
