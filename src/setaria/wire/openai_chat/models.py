"""Models: writes the list of models, and one of them.

Beside the protocol's own four fields each entry tells what clients otherwise guess: its limits and capabilities.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from setaria.core.traits import Capability
from setaria.wire.model_card import ModelCard


class ModelShape(msgspec.Struct, frozen=True):
    """One model."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    display_name: str
    description: str
    context_length: int
    max_output_tokens: int
    capabilities: list[Capability]


class ModelList(msgspec.Struct, frozen=True):
    """All models."""

    object: Literal["list"]
    data: list[ModelShape]


def write_models(cards: Iterable[ModelCard]) -> bytes:
    """Write the body of `GET /v1/models`, in the order of the cards."""
    return msgspec.json.encode(ModelList("list", [_shape_model(card) for card in cards]))


def write_model(card: ModelCard) -> bytes:
    """Write the body of `GET /v1/models/{id}`."""
    return msgspec.json.encode(_shape_model(card))


def _shape_model(card: ModelCard) -> ModelShape:
    return ModelShape(
        id=card.id,
        object="model",
        created=card.created_at_ms // 1000,
        owned_by=card.owned_by,
        display_name=card.display_name,
        description=card.description,
        context_length=card.context_tokens,
        max_output_tokens=card.max_output_tokens,
        capabilities=sorted(card.capabilities),
    )
