"""Ask: read the request's body against the model it names."""

from setaria.domain.catalog.model import Catalog
from setaria.gateway.ports import Client
from setaria.gateway.stages import Asked, Identified


async def ask(identified: Identified, client: Client, catalog: Catalog) -> Asked:
    """Read the whole request.

    Raises: InvalidRequest, UnknownModel, TooLarge; whatever waiting for the body raises.
    """
    codec = identified.received.codec
    envelope = codec.read_envelope(await client.read_body())
    model = catalog.find(envelope.model)
    dialogue = codec.read_dialogue(envelope, model.traits)
    return Asked(identified=identified, model=model, dialogue=dialogue, stream=envelope.stream)
