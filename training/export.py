"""Export: a checkpoint as a folder that transformers reads, and as the ONNX folder that the engine runs.

    python -m training.export [--run NAME] [--checkpoint FILE] [--install] [--prompts 50]

Weights are rounded once, to half precision; both folders hold the same numbers. They are made in the run's folder
(`hf`, `onnx`); `--install` copies the latter into the package. The export ends with a comparison of what transformers
and the engine write on prompts of the development set; where they differ by more than a near-tie explains, the exit
code is 1.
"""

import argparse
import json
import shutil
import subprocess
import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

from training.checkpoint import checkpoint_path, load_network
from training.compare import compare_greedily
from training.half import store_halves
from training.model import Network
from training.places import CHAT_TEMPLATE, MODEL_FOLDER, run_folder

CONTEXT_TOKENS = 8_192
_END = 2
"""The id of `<|im_end|>`."""

_ENDS = [2, 0, 1]
_PADDING = 0
_NEAR_TIE = 1e-3
"""Logits as close as this may change places between two ways of adding the same numbers up."""

_INSTALLED = (
    "model.onnx",
    "model.onnx.data",
    "tokenizer.json",
    "tokenizer_config.json",
    "config.json",
    "generation_config.json",
    CHAT_TEMPLATE.name,
)


def write_hugging_face(network: Network, tokenizer_path: Path, folder: Path) -> None:
    """Write the folder of a standard `Qwen3ForCausalLM`, its weights rounded to half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {f"model.{name}": weight.half().contiguous() for name, weight in network.state_dict().items()}
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", _configuration(network))
    _write(folder / "generation_config.json", {"eos_token_id": _ENDS, "pad_token_id": _PADDING})
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "eos_token": "<|im_end|>",
            "pad_token": "<|endoftext|>",
            "model_max_length": CONTEXT_TOKENS,
            "clean_up_tokenization_spaces": False,
        },
    )
    shutil.copy(tokenizer_path, folder / "tokenizer.json")
    shutil.copy(CHAT_TEMPLATE, folder / CHAT_TEMPLATE.name)


def write_onnx(source: Path, folder: Path) -> None:
    """Write the ONNX folder of a Hugging Face folder.

    Raises: subprocess.CalledProcessError when the builder fails; the end of its output is printed.
    """
    shutil.rmtree(folder, ignore_errors=True)
    builder = [sys.executable, "-m", "onnxruntime_genai.models.builder"]
    options = ["-i", str(source), "-o", str(folder), "-p", "fp32", "-e", "cpu", "-c", str(folder.parent / "builder")]
    only_last = ["--extra_options", "prune_lm_head=true"]  # of a prompt, only its last token's scores are needed
    built = subprocess.run([*builder, *options, *only_last], check=False, capture_output=True, text=True)
    if built.returncode:
        print(built.stderr[-4_000:], file=sys.stderr)
        built.check_returncode()
    store_halves(folder)
    for name in ("config.json", "generation_config.json", "tokenizer_config.json", "tokenizer.json"):
        shutil.copy(source / name, folder / name)
    shutil.copy(CHAT_TEMPLATE, folder / CHAT_TEMPLATE.name)


def install(folder: Path) -> None:
    """Copy an ONNX folder into the package."""
    for name in _INSTALLED:
        shutil.copy(folder / name, MODEL_FOLDER / name)


def _configuration(network: Network) -> dict[str, object]:
    shape = network.shape
    return {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.inner_width,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_heads,
        "head_dim": shape.head_width,
        "hidden_act": "silu",
        "max_position_embeddings": CONTEXT_TOKENS,
        "rms_norm_eps": shape.epsilon,
        "rope_theta": shape.rope_base,
        "rope_scaling": None,
        "tie_word_embeddings": True,
        "attention_bias": False,
        "attention_dropout": 0.0,
        "use_cache": True,
        "bos_token_id": None,
        "eos_token_id": _END,
        "pad_token_id": _PADDING,
        "torch_dtype": "float16",
        "use_sliding_window": False,
        "max_window_layers": shape.layers,
        "layer_types": ["full_attention"] * shape.layers,
    }


def _write(path: Path, content: dict[str, object]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def main() -> int:
    """Read the command line, export and compare; gives the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", default="seedling")
    parser.add_argument("--checkpoint", type=Path, default=None, help="instead of the run's own")
    parser.add_argument("--install", action="store_true", help="copy the model into the package")
    parser.add_argument("--prompts", type=int, default=50, help="how many prompts to compare on")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = run_folder(options.run)
    tokenizer_path = folder / "tokenizer.json"
    network = load_network(options.checkpoint or checkpoint_path(folder))
    write_hugging_face(network, tokenizer_path, folder / "hf")
    write_onnx(folder / "hf", folder / "onnx")
    comparison = compare_greedily(folder / "hf", folder / "onnx", options.prompts)
    print(comparison)
    if options.install:
        install(folder / "onnx")
        print(f"installed in {MODEL_FOLDER}")
    return int(any(difference.margin > _NEAR_TIE for difference in comparison.differences))


if __name__ == "__main__":
    sys.exit(main())
