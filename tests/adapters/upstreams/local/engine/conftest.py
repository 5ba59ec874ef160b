"""What the engine's tests share: the built-in model, loaded once."""

from pathlib import Path

import pytest

import setaria.adapters.upstreams.local
from setaria.adapters.upstreams.local.engine.model import LocalModel, load_model


@pytest.fixture(scope="session")
def seedling_folder() -> Path:
    """Give the folder of the built-in model."""
    return Path(setaria.adapters.upstreams.local.__file__).parent / "models" / "seedling"


@pytest.fixture(scope="session")
def model(seedling_folder: Path) -> LocalModel:
    """Give the built-in model, loaded."""
    return load_model(seedling_folder)
