"""Model folder: what a folder with a model of the operator's own must hold, and what it says about the model."""

from pathlib import Path

import msgspec

from setaria.core.errors import InvalidRequest

NEEDED = ("model.onnx", "tokenizer.json", "config.json")
TEMPLATES = ("chat_template.jinja", "tokenizer_config.json")

_MAX_OUTPUT_TOKENS = 32_768


class _Config(msgspec.Struct):
    """What counts of `config.json`."""

    max_position_embeddings: int


def check_model_folder(path: Path) -> list[str]:
    """Say what a folder lacks to be served by the built-in engine; nothing when it has all."""
    if not path.is_dir():
        return [f"there is no folder {path}"]
    problems = [f"it lacks {name}" for name in NEEDED if not (path / name).is_file()]
    if not any((path / name).is_file() for name in TEMPLATES):
        problems.append(f"it has no chat template, neither {' nor '.join(TEMPLATES)}")
    return problems


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
