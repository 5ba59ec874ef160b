"""Catalog: the models of this installation."""

from pathlib import Path

from setaria.config import Settings
from setaria.core.traits import Recommended, Traits
from setaria.domain.catalog.model import Catalog, Deployment, Model

LOCAL = "local"
SEEDLING = "seedling"
SEEDLING_FOLDER = Path(__file__).parent.parent / "adapters" / "upstreams" / "local" / "models" / SEEDLING

_SEEDLING_CREATED_AT_MS = 1_793_491_200_000  # 1 November 2026


def build_catalog(_settings: Settings) -> Catalog:
    """List the built-in model; others come with upstreams of the operator's own."""
    traits = Traits(
        context_tokens=8192,
        max_output_tokens=2048,
        default_output_tokens=1024,
        capabilities=frozenset({"tools", "thinking"}),
        thinking_default=True,
        forces_sampling=True,
        recommended=Recommended(temperature=0.0, top_p=1.0),
    )
    seedling = Model(
        id=SEEDLING,
        display_name="Seedling",
        description="a tiny built-in demonstration model",
        traits=traits,
        deployments=(Deployment(upstream=LOCAL, model=SEEDLING),),
        created_at_ms=_SEEDLING_CREATED_AT_MS,
    )
    return Catalog((seedling,))
