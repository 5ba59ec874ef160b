"""Count: how many tokens a request would be read as, without asking the model anything."""

from typing import Protocol

from setaria.core.dialogue import Dialogue
from setaria.core.errors import Limited
from setaria.core.estimate import estimate_dialogue
from setaria.core.ids import KeyId
from setaria.core.traits import Traits
from setaria.domain.catalog.model import Model
from setaria.domain.routing.ports import ModelRequest
from setaria.gateway.authenticate import authenticate
from setaria.gateway.choose import find_model
from setaria.gateway.platform import Platform
from setaria.gateway.ports import Client
from setaria.gateway.stages import Received
from setaria.wire.codec import Envelope

MAX_COUNTED_BYTES = 64 * 1024
MAX_COUNTS_PER_MINUTE = 600
BYTES_PER_TOKEN = 4
_MINUTE_MS = 60_000


class CountLimit:
    """Counts per key and fixed minute, for what is free and outside all other limits.

    Takes: noun, what is counted, for the refusal.
    """

    def __init__(self, noun: str = "token counts") -> None:
        self._noun = noun
        self._minute = 0
        self._counts: dict[KeyId, int] = {}

    def take(self, key_id: KeyId, now_ms: int) -> None:
        """Count one more.

        Raises: Limited above 600 in this minute, with the seconds until the next one.
        """
        minute = now_ms // _MINUTE_MS
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        count = self._counts.get(key_id, 0)
        if count >= MAX_COUNTS_PER_MINUTE:
            wait_s = -(-(_MINUTE_MS - now_ms % _MINUTE_MS) // 1000)
            raise Limited(f"more than {MAX_COUNTS_PER_MINUTE} {self._noun} in a minute", retry_after_s=wait_s)
        self._counts[key_id] = count + 1


class CountCodec(Protocol):
    """A protocol in which tokens can be counted."""

    def read_envelope(self, body: bytes) -> Envelope:
        """Read which model is meant."""
        ...

    def read_count_request(self, envelope: Envelope, traits: Traits) -> Dialogue:
        """Read what of the request takes input tokens."""
        ...


async def count(received: Received, codec: CountCodec, client: Client, platform: Platform, limit: CountLimit) -> int:
    """Count a request's input tokens: the upstream's own count for a small one, else our estimate.

    Raises: whatever reading the request raises; Limited.
    """
    identified = await authenticate(received, platform)
    limit.take(identified.caller.key_id, platform.clock.now_ms())

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
