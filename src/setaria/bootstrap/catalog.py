"""Catalog: the models of this installation."""

from pathlib import Path

from setaria.config import Settings
from setaria.core.traits import Recommended, Traits
from setaria.domain.catalog.added import NOTHING_ADDED, Added
from setaria.domain.catalog.assembly import Assembled, assemble
from setaria.domain.catalog.model import Catalog, Deployment, Model

LOCAL = "local"
SEEDLING = "seedling"
SEEDLING_FOLDER = Path(__file__).parent.parent / "adapters" / "upstreams" / "local" / "models" / SEEDLING

_SEEDLING_CREATED_AT_MS = 1_793_491_200_000  # 1 November 2026


def build_catalog(settings: Settings, added: Added = NOTHING_ADDED) -> Catalog:
    """List all models: those of the file, those that commands have added, and the built-in one."""
    return assemble_catalog(settings, added).to_catalog()


def assemble_catalog(settings: Settings, added: Added) -> Assembled:
    """Put the catalog together as `build_catalog` does, and tell what had to be left out."""
    return assemble((make_seedling(),), settings.entries, added, _SEEDLING_CREATED_AT_MS)


def needs_engine(catalog: Catalog) -> bool:
    """Tell whether calls depend on the built-in engine: beside models of one's own the built-in one does not count."""
    built_in = make_seedling()
    own = [model for model in catalog.models if model != built_in]
    engines = {name for name, upstream in catalog.upstreams.items() if upstream.kind == "local"}
    return not own or any(each.upstream in engines for model in own for each in model.deployments)


def make_seedling() -> Model:
    """Describe the built-in model."""
    return Model(
        id=SEEDLING,
        display_name="Seedling",
        description="a tiny built-in demonstration model",
        traits=Traits(
            context_tokens=8192,
            max_output_tokens=2048,
            default_output_tokens=1024,
            capabilities=frozenset({"tools", "thinking", "json"}),
            thinking_default=True,
            forces_sampling=True,
            recommended=Recommended(temperature=0.0, top_p=1.0),
        ),
        deployments=(Deployment(upstream=LOCAL, model=SEEDLING),),
        created_at_ms=_SEEDLING_CREATED_AT_MS,
    )
