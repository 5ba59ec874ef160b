"""Models: writes the list of models and one entry of it."""

from collections.abc import Sequence

import msgspec

from setaria.core.clock import iso_from_ms
from setaria.wire.model_card import ModelCard

_encode = msgspec.json.Encoder().encode


class ModelFields(msgspec.Struct, frozen=True, tag="model"):
    """One model."""

    id: str
    display_name: str
    created_at: str
    max_input_tokens: int
    max_tokens: int
    lifecycle: str = "active"


class ModelPage(msgspec.Struct, frozen=True):
    """All models: there is only one page."""

    data: list[ModelFields]
    first_id: str | None
    last_id: str | None
    has_more: bool = False


def write_models(cards: Sequence[ModelCard]) -> bytes:
    """Write the list of models, in the order given."""
    data = [_fields_from_card(card) for card in cards]
    return _encode(ModelPage(data, data[0].id if data else None, data[-1].id if data else None))


def write_model(card: ModelCard) -> bytes:
    """Write one model."""
    return _encode(_fields_from_card(card))


def _fields_from_card(card: ModelCard) -> ModelFields:
    return ModelFields(
        id=card.id,
        display_name=card.display_name,
        created_at=iso_from_ms(card.created_at_ms),
        max_input_tokens=card.context_tokens,
        max_tokens=card.max_output_tokens,
    )
