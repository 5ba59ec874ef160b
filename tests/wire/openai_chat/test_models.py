"""Models: the list of models and its entries."""

import msgspec
from openai.types import Model

from setaria.wire.model_card import ModelCard
from setaria.wire.openai_chat import write_model, write_models

CARD = ModelCard(
    id="seedling",
    display_name="Seedling",
    created_at_ms=1781233054999,
    owned_by="setaria",
    context_tokens=4096,
    max_output_tokens=2048,
    capabilities=frozenset({"tools", "json"}),
    description="Tiny",
)
SHAPE = {
    "id": "seedling",
    "object": "model",
    "created": 1781233054,
    "owned_by": "setaria",
    "display_name": "Seedling",
    "description": "Tiny",
    "context_length": 4096,
    "max_output_tokens": 2048,
    "capabilities": ["json", "tools"],
}


def test_one_model() -> None:
    """A model has the protocol's four fields, and its limits and capabilities beside them."""
    body = write_model(CARD)
    Model.model_validate_json(body, strict=True)
    assert msgspec.json.decode(body) == SHAPE


def test_the_list_of_models() -> None:
    """The list keeps the order of the cards."""
    other = msgspec.structs.replace(CARD, id="another")
    assert msgspec.json.decode(write_models([other, CARD])) == {
        "object": "list",
        "data": [SHAPE | {"id": "another"}, SHAPE],
    }


def test_no_models() -> None:
    """An installation without models has an empty list."""
    assert msgspec.json.decode(write_models([])) == {"object": "list", "data": []}
