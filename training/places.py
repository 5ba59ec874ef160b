"""Places: where the training reads and writes. Nothing that it makes lies in the checkout, except an exported model."""

import os
from pathlib import Path

_HERE = Path(__file__).parent
MODEL_FOLDER = _HERE.parent / "src/setaria/adapters/upstreams/local/models/seedling"
CHAT_TEMPLATE = _HERE / "chat_template.jinja"
"""How the next model reads a dialogue; the one in the package has its own, for weights and template belong together."""


def cache_folder() -> Path:
    """Give the folder of all runs: `$SETARIA_TRAINING`, else `setaria-training` in the user's cache."""
    named = os.environ.get("SETARIA_TRAINING")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "setaria-training"


def run_folder(name: str) -> Path:
    """Give the folder of one run, made if it is missing."""
    folder = cache_folder() / name
    folder.mkdir(parents=True, exist_ok=True)
    return folder
