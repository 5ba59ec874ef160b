"""Model folders that are not whole."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from setaria.adapters.upstreams.local.engine.model import LocalModel, load_model
from setaria.core.errors import UpstreamFailed


def change_json(name: str, **fields: object) -> Callable[[Path], None]:
    """Make a change of one JSON file; None takes a field out."""

    def change(folder: Path) -> None:
        content = json.loads((folder / name).read_text()) | fields
        (folder / name).write_text(json.dumps({key: value for key, value in content.items() if value is not None}))

    return change


def remove(*names: str) -> Callable[[Path], None]:
    """Make a change that takes files out."""

    def change(folder: Path) -> None:
        for name in names:
            (folder / name).unlink()

    return change


def spoil(name: str) -> Callable[[Path], None]:
    """Make a change that leaves half a file."""

    def change(folder: Path) -> None:
        (folder / name).write_text("{")

    return change


BROKEN = [
    (remove("model.onnx"), "lacks model.onnx;"),
    (remove("config.json", "tokenizer.json"), "lacks tokenizer.json, config.json;"),
    (remove("chat_template.jinja"), "has no chat template"),
    (change_json("config.json", max_position_embeddings=None), "max_position_embeddings"),
    (spoil("config.json"), "cannot be read"),
]


@pytest.fixture
def folder(seedling_folder: Path, tmp_path: Path) -> Path:
    """Give a copy of the built-in model's folder that may be broken."""
    return Path(shutil.copytree(seedling_folder, tmp_path / "model"))


@pytest.mark.parametrize("change,expected", BROKEN)
def test_a_broken_folder_says_what_is_missing(folder: Path, change: Callable[[Path], None], expected: str) -> None:
    """What a model folder lacks is named in the error."""
    change(folder)
    with pytest.raises(UpstreamFailed) as caught:
        load_model(folder)
    assert expected in caught.value.message


def test_without_an_end_token_nothing_would_end(folder: Path) -> None:
    """A folder that names no end token is refused."""
    change_json("config.json", eos_token_id=None)(folder)
    (folder / "generation_config.json").unlink()
    with pytest.raises(UpstreamFailed, match="eos_token_id"):
        load_model(folder)


@pytest.mark.parametrize("template", ["{{ 1 }}", [{"name": "default", "template": "{{ 1 }}"}]])
def test_the_template_may_stand_in_the_tokenizers_file(folder: Path, template: object) -> None:
    """A chat template in tokenizer_config.json is found, alone or as the default of several."""
    (folder / "chat_template.jinja").unlink()
    change_json("tokenizer_config.json", chat_template=template)(folder)
    assert load_model(folder).template == "{{ 1 }}"


def test_without_a_word_on_comfort_the_context_counts(folder: Path) -> None:
    """A folder without setaria.json reads with comfort all that leaves room for an answer."""
    (folder / "setaria.json").unlink()
    assert load_model(folder).comfortable_tokens == 8_192 - 256


def test_the_built_in_model_is_whole(model: LocalModel) -> None:
    """The built-in model reads 8,192 tokens and ends at any of its three end tokens."""
    shape = model.network.shape
    assert (model.context_tokens, model.comfortable_tokens, set(model.end_ids)) == (8_192, 1_024, {0, 1, 2})
    assert (shape.layers, shape.heads, shape.head_size) == (7, 4, 32)
