"""Places: where the training reads and writes. Nothing that it makes lies in the checkout, except an exported model."""

import os
from pathlib import Path

_CHECKOUT = Path(__file__).parent.parent
MODEL_FOLDER = _CHECKOUT / "src/setaria/adapters/upstreams/local/models/seedling"
CHAT_TEMPLATE = MODEL_FOLDER / "chat_template.jinja"


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
