"""Plain request: reads a whole request of the form that nearly all have, at once and in C.

What is read here is read as `request` reads it. A request with any field that is seldom sent, or with anything in it
that is wrong, is not read here at all: `request` reads it field by field, and knows what to say of it.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, UnsetType

from setaria.core.dialogue import Dialogue, Sampling, Tool
from setaria.core.traits import Traits
from setaria.wire.codec import Envelope
from setaria.wire.openai_chat.plain import (
    UNREADABLE,
    NonEmpty,
    PlainMessage,
    PlainTool,
    tools_from_plain,
    turns_from_plain,
)
from setaria.wire.text_size import TEXT_LIMIT_BYTES

_Limit = Annotated[int, msgspec.Meta(ge=1)]
_Seed = Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]
_Temperature = Annotated[float, msgspec.Meta(ge=0, le=1.5)]
_TopP = Annotated[float, msgspec.Meta(ge=0.01, le=1)]


class PlainRequest(msgspec.Struct, frozen=True, gc=False):
    """The fields that nearly all requests have no others than; one that is `UnsetType` must not be there."""

    model: NonEmpty
    messages: list[PlainMessage]
    stream: bool | None = None
    max_tokens: _Limit | None = None
    max_completion_tokens: _Limit | None = None
    temperature: _Temperature | None = None
    top_p: _TopP | None = None
    seed: _Seed | None = None
    tools: list[PlainTool] | None = None
    tool_choice: Literal["auto"] | None = None
    stream_options: dict[str, msgspec.Raw] | None = None
    thinking: UnsetType = UNSET
    reasoning_effort: UnsetType = UNSET
    parallel_tool_calls: UnsetType = UNSET
    response_format: UnsetType = UNSET
    frequency_penalty: UnsetType = UNSET
    presence_penalty: UnsetType = UNSET
    stop: UnsetType = UNSET
    logit_bias: UnsetType = UNSET
    n: UnsetType = UNSET
    logprobs: UnsetType = UNSET
    background: UnsetType = UNSET
    previous_response_id: UnsetType = UNSET
    audio: UnsetType = UNSET
    asr_options: UnsetType = UNSET


class PlainEnvelope(Envelope, frozen=True):
    """The envelope of a plain request."""

    plain: PlainRequest


_request = msgspec.json.Decoder(PlainRequest)


def read_plain_request(body: bytes) -> PlainRequest | None:
    """Read a request's body; None when it is of another form.

    Cost: 1 us, and 0.5 us a message and 1 us for 2 KB of text.
    """
    if len(body) > TEXT_LIMIT_BYTES:
        return None
    try:
        return _request.decode(body)
    except UNREADABLE:
        return None


def dialogue_from_plain(plain: PlainRequest, traits: Traits) -> Dialogue | None:
    """Give the dialogue, the model's defaults filled in and limits clamped; None when its form is another after all.

    Cost: 2 us.
    """
    turns = turns_from_plain(plain.messages)
    tools: tuple[Tool, ...] | None = ()
    if plain.tools:
        tools = tools_from_plain(plain.tools) if "tools" in traits.capabilities else None
    if turns is None or tools is None:
        return None
    thinking = traits.thinking_default and "thinking" in traits.capabilities
    is_forced = thinking and traits.forces_sampling
    temperature, top_p = plain.temperature, plain.top_p
    if temperature is None or is_forced:
        temperature = traits.recommended.temperature
    if top_p is None or is_forced:
        top_p = traits.recommended.top_p
    return Dialogue(
        turns.messages,
        thinking,
        min(plain.max_completion_tokens or plain.max_tokens or traits.default_output_tokens, traits.max_output_tokens),
        Sampling(temperature, top_p, 0.0, 0.0, plain.seed),
        tools,
        has_variants=turns.has_variants,
    )
