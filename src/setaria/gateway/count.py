"""Count: how many tokens a request would be read as, without asking the model anything."""

from typing import Protocol

from setaria.core.dialogue import Dialogue
from setaria.core.estimate import estimate_dialogue
from setaria.core.traits import Traits
from setaria.domain.accounts.records import Caller
from setaria.domain.catalog.model import Model
from setaria.domain.ledger.funds import Line
from setaria.domain.routing.ports import ModelRequest
from setaria.gateway.authenticate import authenticate
from setaria.gateway.choose import find_model
from setaria.gateway.desk import Desk
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.stages import Received
from setaria.wire.codec import Envelope

MAX_COUNTED_BYTES = 64 * 1024
MAX_COUNTS_PER_MINUTE = 600
BYTES_PER_TOKEN = 4


async def take_one(noun: str, caller: Caller, desk: Desk) -> None:
    """Count one more of what is free and outside an account's limits: a key may do so 600 times a minute.

    All workers count together, for they lease shares of the 600 as of any limit.
    Takes: noun, what is counted.
    Raises: Limited above that, with the seconds until the next minute; as `Desk.obtain` does.
    """
    fund = desk.find(caller.account_id, "rpm", f"{noun} with {caller.key_id}", MAX_COUNTS_PER_MINUTE)
    (taken,) = await desk.obtain([Line(fund, 1, 1)])
    fund.use_up(taken)


class CountCodec(Protocol):
    """A protocol in which tokens can be counted."""

    def read_envelope(self, body: bytes) -> Envelope:
        """Read which model is meant."""
        ...

    def read_count_request(self, envelope: Envelope, traits: Traits) -> Dialogue:
        """Read what of the request takes input tokens."""
        ...


async def count(received: Received, codec: CountCodec, client: Client, platform: Platform) -> int:
    """Count a request's input tokens: the upstream's own count for a small one, else our estimate.

    Raises: whatever reading the request raises, and `take_one`.
    """
    identified = await authenticate(received, platform)
    await take_one("token counts", identified.caller, platform.desk)

    def read(body: bytes) -> tuple[Model, Dialogue, int]:
        envelope = codec.read_envelope(body)
        model = find_model(envelope.model, identified, platform)
        dialogue = codec.read_count_request(envelope, model.traits)
        return model, dialogue, estimate_dialogue(dialogue)

    model, dialogue, estimate = await platform.long_reads.read(await client.read_body(), read)
    if estimate * BYTES_PER_TOKEN > MAX_COUNTED_BYTES:
        return estimate
    deployment = model.deployments[0]
    request = ModelRequest(call_id=received.call_id, model=deployment.model, dialogue=dialogue)
    counted = await platform.upstreams[deployment.upstream].count_input_tokens(request)
    return estimate if counted is None else counted
