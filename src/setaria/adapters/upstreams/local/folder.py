"""Folder: what a folder with a model must hold, told without the engine's libraries."""

from pathlib import Path

_NEEDED_FILES = ("model.onnx", "tokenizer.json", "config.json")


def find_missing(folder: Path) -> list[str]:
    """Name the files that no model can do without and that a folder lacks."""
    return [name for name in _NEEDED_FILES if not (folder / name).is_file()]
