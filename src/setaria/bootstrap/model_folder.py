"""Model folder: what a folder with a model of the operator's own must hold, and what it says about the model."""

from pathlib import Path

import msgspec

from setaria.adapters.upstreams.local.folder import find_missing
from setaria.bootstrap.catalog import SEEDLING
from setaria.core.errors import InvalidRequest

_MAX_OUTPUT_TOKENS = 32_768


class _Config(msgspec.Struct):
    """What counts of `config.json`."""

    max_position_embeddings: int


def find_fault(model: str) -> str:
    """Say why the built-in engine has no model of this name, as far as its files tell; nothing when it may have it.

    Cost: a look at a few files; none of the engine's libraries is loaded.
    """
    if model == SEEDLING:
        return ""
    folder = Path(model)
    if not folder.is_absolute():
        return f"the built-in engine has no model {model}; it serves {SEEDLING}, and folders by their whole path"
    if not folder.is_dir():
        return f"there is no folder {folder}"
    missing = find_missing(folder)
    return f"the folder {folder} lacks {', '.join(missing)}" if missing else ""


def check_model_folder(path: Path) -> list[str]:
    """Say what keeps a folder from being served by the built-in engine; nothing when it can be.

    Cost: as long as loading the model.
    """
    if not path.is_dir():
        return [f"there is no folder {path}"]
    try:
        from setaria.adapters.upstreams.local.engine import check
    except ImportError as error:
        return [f"it can't be tried, for the engine's libraries are not here ({error}): pip install 'setaria[local]'"]
    return check.check_model_folder(path)


def need_local_model(model: str) -> None:
    """Make sure that the built-in engine can serve what a deployment names.

    Raises: InvalidRequest, which says why it can't.
    Cost: as long as loading the model.
    """
    fault = find_fault(model)
    problems = [fault] if fault else [] if model == SEEDLING else check_model_folder(Path(model))
    if problems:
        raise InvalidRequest(f"{model} is not a model that can be served: {'; '.join(problems)}")


def describe_model_folder(path: Path) -> dict[str, object]:
    """Give the settings of a model that its folder knows.

    Raises: InvalidRequest, which says what the folder lacks.
    """
    if problems := check_model_folder(path):
        raise InvalidRequest(f"{path} is not a model that can be served: {'; '.join(problems)}")
    try:
        config = msgspec.json.decode((path / "config.json").read_bytes(), type=_Config)
    except (OSError, msgspec.DecodeError) as error:
        raise InvalidRequest(f"{path / 'config.json'} can't be read: {error}") from error
    context_tokens = config.max_position_embeddings
    return {"context_tokens": context_tokens, "output_tokens": min(context_tokens, _MAX_OUTPUT_TOKENS)}
