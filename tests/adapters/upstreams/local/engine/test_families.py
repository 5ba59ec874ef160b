"""Models of other families, in the folder layout of the public exports, with random weights.

The graphs in `families/` were made by `python -m onnxruntime_genai.models.builder -p fp32 -e cpu` from tiny
configurations: two layers, width 64, four heads of 16 with two for keys and values, 2,048 tokens, 256 positions. Their
weights are drawn here.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from setaria.adapters.upstreams.local.engine.check import check_model_folder
from setaria.adapters.upstreams.local.engine.model import load_model
from setaria.adapters.upstreams.local.engine.prompt import PromptReader
from setaria.core.dialogue import Sampling
from tests.adapters.upstreams.local.engine.driving import answers, question

FAMILIES = Path(__file__).parent / "families"
WEIGHTS_BYTES = {"qwen3": 1_263_104, "llama": 1_262_848, "phi3": 1_262_848}
CONFIG: dict[str, Any] = {
    "hidden_size": 64,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
    "eos_token_id": 2,
}
PLAIN = "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>"
HERMES = (
    "{% if tools %}<tool_call> {{ tools | tojson }}{% endif %}" + PLAIN + "{% if enable_thinking %}<think>{% endif %}"
)
TEMPLATES = {"qwen3": HERMES, "llama": PLAIN, "phi3": PLAIN}


def make_folder(path: Path, family: str, seedling_folder: Path) -> Path:
    """Make a model folder of a family."""
    path.mkdir()
    shutil.copy(FAMILIES / f"{family}.onnx", path / "model.onnx")
    shutil.copy(seedling_folder / "tokenizer.json", path)
    weights = np.random.default_rng(1).normal(0, 0.2, WEIGHTS_BYTES[family] // 4).astype(np.float32)
    (path / "model.onnx.data").write_bytes(weights.tobytes())
    (path / "config.json").write_text(json.dumps(CONFIG))
    (path / "tokenizer_config.json").write_text(json.dumps({"chat_template": TEMPLATES[family]}))
    return path


@pytest.mark.parametrize("family", WEIGHTS_BYTES)
def test_a_family_is_served(family: str, tmp_path: Path, seedling_folder: Path) -> None:
    """A random-weight model passes the check, and answers alone as beside others, tools or not."""
    folder = make_folder(tmp_path / family, family, seedling_folder)
    assert check_model_folder(folder) == []
    model = load_model(folder)
    sampling = Sampling(1.0, 1.0, seed=3)
    dialogues = [question(text, sampling, 24) for text in ("Hello", "What is a tea house by the river?", "a b c " * 20)]
    alone = [answers(model, [dialogue], rows=1)[0] for dialogue in dialogues]
    assert answers(model, dialogues) == alone
    assert len(set(alone)) == 3


def test_the_prompt_is_the_templates(tmp_path: Path, seedling_folder: Path) -> None:
    """The prompt is what the template writes, and thinking begins where it says so."""
    model = load_model(make_folder(tmp_path / "q", "qwen3", seedling_folder))
    prompts = [
        PromptReader(model).read(msgspec.structs.replace(question("Hello"), thinking=on)) for on in (False, True)
    ]
    texts = ["<|user|>Hello<|assistant|>", "<|user|>Hello<|assistant|><think>"]
    assert [prompt.ids.tolist() for prompt in prompts] == [model.vocabulary.encode(text) for text in texts]
    assert [prompt.inside_thinking for prompt in prompts] == [False, True]


def remove(name: str) -> Callable[[Path], None]:
    """Make a change that takes a file out."""
    return lambda folder: (folder / name).unlink()


def write(name: str, content: bytes) -> Callable[[Path], None]:
    """Make a change of a file's content."""

    def change(folder: Path) -> None:
        (folder / name).write_bytes(content)

    return change


def with_config(**fields: Any) -> Callable[[Path], None]:
    """Make a change of the configuration."""
    return write("config.json", json.dumps(CONFIG | fields).encode())


FAULTS: list[tuple[Callable[[Path], None], str]] = [
    (remove("model.onnx"), "it lacks model.onnx"),
    (remove("model.onnx.data"), "External data path"),
    (remove("config.json"), "it lacks config.json"),
    (remove("tokenizer_config.json"), "has no chat template"),
    (write("model.onnx", b"not a network"), "no GroupQueryAttention"),
    (write("model.onnx", b"GroupQueryAttention"), "model.onnx"),
    (write("tokenizer.json", b"{}"), "Tokenizer"),
    (write("tokenizer_config.json", b'{"chat_template": "{% if %}"}'), "its chat template or tokenizer does not work"),
    (with_config(eos_token_id=None), "eos_token_id"),
    (with_config(num_key_value_heads=3), "its network does not work"),
]


@pytest.mark.parametrize("change,expected", FAULTS)
def test_a_fault_is_told_in_words(
    change: Callable[[Path], None], expected: str, tmp_path: Path, seedling_folder: Path
) -> None:
    """Whatever is missing or does not fit is named."""
    folder = make_folder(tmp_path / "model", "llama", seedling_folder)
    change(folder)
    told = check_model_folder(folder)
    assert (len(told), re.search(re.escape(expected), told[0]) is not None) == (1, True), told
