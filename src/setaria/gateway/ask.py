"""Ask: read the request's body against the model it names."""

import re

from setaria.core.dialogue import Dialogue
from setaria.core.estimate import estimate_dialogue
from setaria.domain.catalog.model import Model
from setaria.gateway.choose import find_model
from setaria.gateway.clamp import clamp_output
from setaria.gateway.long_reads import LONG_BYTES
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.stages import Asked, Identified
from setaria.wire.codec import Envelope

_KNOWN_KIND = re.compile(  # any other might be any text of the caller's, and is not logged
    "(web_search|web_fetch|code_execution|bash|text_editor|computer|memory|tool_search_tool_(regex|bm25)|mcp_toolset)"
    "(_[0-9]{8})?"
)


async def ask(identified: Identified, client: Client, platform: Platform) -> Asked:
    """Read the whole request.

    Raises: InvalidRequest, UnknownModel, Forbidden, TooLarge; whatever waiting for the body raises.
    """
    codec = identified.received.codec

    def read(body: bytes) -> tuple[Envelope, Model, Dialogue, int]:
        envelope = codec.read_envelope(body)
        model = find_model(envelope.model, identified, platform)
        dialogue = codec.read_dialogue(envelope, model.traits)
        return envelope, model, dialogue, estimate_dialogue(dialogue)

    body = await client.read_body()
    is_long = len(body) > LONG_BYTES
    envelope, model, dialogue, input_tokens = await platform.long_reads.read(body, read) if is_long else read(body)
    if dialogue.left_out:
        kinds = [kind if _KNOWN_KIND.fullmatch(kind) else "unknown" for kind in dialogue.left_out]
        platform.log.info("left_out", call=identified.received.call_id, tools=kinds)
    if not platform.catalog.condenses(model):
        dialogue = clamp_output(dialogue, input_tokens, model.traits.context_tokens)
    return Asked(identified, model, envelope, dialogue, input_tokens)
