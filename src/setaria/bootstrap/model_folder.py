"""Model folder: what a folder with a model of the operator's own must hold, and what it says about the model."""

from pathlib import Path

import msgspec

from setaria.core.errors import InvalidRequest

_MAX_OUTPUT_TOKENS = 32_768


class _Config(msgspec.Struct):
    """What counts of `config.json`."""

    max_position_embeddings: int


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
