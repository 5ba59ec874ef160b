"""Ask: read the request's body against the model it names."""

from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.stages import Asked, Identified


async def ask(identified: Identified, client: Client, platform: Platform) -> Asked:
    """Read the whole request.

    Raises: InvalidRequest, UnknownModel, TooLarge; whatever waiting for the body raises.
    """
    codec = identified.received.codec
    envelope = codec.read_envelope(await client.read_body())
    model = platform.catalog.find(envelope.model)
    dialogue = codec.read_dialogue(envelope, model.traits)
    if dialogue.left_out:
        platform.log.info("left_out", call=identified.received.call_id, tools=list(dialogue.left_out))
    return Asked(identified=identified, model=model, dialogue=dialogue, stream=envelope.stream)
