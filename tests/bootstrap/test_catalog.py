"""Catalog: on which models the readiness of the built-in engine depends."""

import pytest

from setaria.bootstrap.catalog import LOCAL, SEEDLING, assemble_catalog, needs_engine
from setaria.config import Settings, load_settings
from setaria.core.entries import DeploymentEntry, ModelEntry, UpstreamEntry
from setaria.domain.catalog.added import Added, AddedModel

HTTP = UpstreamEntry(name="vllm", kind="openai", base_url="http://127.0.0.1:8000/v1")


def model_at(upstream: str, name: str = "own") -> ModelEntry:
    """Describe a model that is served at an upstream."""
    return ModelEntry(id=name, deployments=(DeploymentEntry(upstream=upstream, model="there"),))


@pytest.fixture
def settings() -> Settings:
    """Settings without a configuration file."""
    return load_settings(None, None)


@pytest.mark.parametrize(
    "models, needed",
    [
        ((), True),
        ((model_at("vllm"),), False),
        ((model_at(LOCAL),), True),
        ((model_at("vllm"), model_at(LOCAL, "other")), True),
        ((model_at("vllm", SEEDLING),), False),
    ],
)
def test_who_needs_the_engine(settings: Settings, models: tuple[ModelEntry, ...], needed: bool) -> None:
    """The built-in model needs the engine only where it is all there is."""
    added = Added((HTTP,), tuple(AddedModel(each, 0) for each in models))
    assert needs_engine(assemble_catalog(settings, added).to_catalog()) == needed
