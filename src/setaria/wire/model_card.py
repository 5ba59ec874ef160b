"""Model card: what a list of models tells about one model, before a protocol gives it its form."""

import msgspec

from setaria.core.traits import Capability


class ModelCard(msgspec.Struct, frozen=True):
    """One model as its callers see it; `id` is what they send as `model`."""

    id: str
    display_name: str
    created_at_ms: int
    owned_by: str
    context_tokens: int
    max_output_tokens: int
    capabilities: frozenset[Capability] = frozenset()
    description: str = ""
