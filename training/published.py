"""Published: takes the weights of a model in the package's layout, so that a run can go on from a shipped model.

The folder holds half-precision numbers and no state of the optimizers: a run that starts here warms up anew. A model
with fewer layers grows: some of its layers are followed by a copy of themselves that adds nothing yet.
"""

import shutil
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from training.model import Shape

_MARK = ".half"
_EMBEDDINGS = "lm_head.MatMul.weight"
_OUTPUTS = ("self_attn.o_proj", "mlp.down_proj")


def published_weights(folder: Path, shape: Shape) -> dict[str, torch.Tensor]:
    """Give the weights under the network's own names.

    Raises: KeyError when the graph lacks a matrix; OSError when there is none.
    """
    graph = onnx.load(folder / "model.onnx").graph
    found = {
        tensor.name.removesuffix(_MARK): torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
        for tensor in graph.initializer
    }
    layers = sum(name.endswith(".attn.q_norm.layernorm.weight") for name in found)
    weights = {
        "embed_tokens.weight": found[_EMBEDDINGS].T.contiguous(),
        "norm.weight": found[f"model.layers.{layers}.final_norm_layernorm.weight"],
    }
    for number, (there, is_copy) in enumerate(_grown(layers, shape.layers)):
        for name, weight in _layer(found, f"model.layers.{there}", shape).items():
            adds = name.startswith(_OUTPUTS)
            weights[f"layers.{number}.{name}"] = torch.zeros_like(weight) if is_copy and adds else weight
    return weights


def _grown(layers: int, wanted: int) -> list[tuple[int, bool]]:
    """Give, for each layer that is wanted, which one it is taken from and whether it is a copy.

    Worked: 5 to 7: 0, 1, its copy, 2, 3, its copy, 4.
    """
    copied = {layers * (2 * number + 1) // (2 * (wanted - layers)) for number in range(wanted - layers)}
    return [
        (number, is_copy) for number in range(layers) for is_copy in ((False, True) if number in copied else (False,))
    ]


def _layer(found: dict[str, torch.Tensor], there: str, shape: Shape) -> dict[str, torch.Tensor]:
    keys = shape.key_heads * shape.head_width
    parts = found[f"{there}.attn.qkv_proj.MatMul.weight"].T.split([shape.heads * shape.head_width, keys, keys])
    weights = {
        f"{name}.weight": found[f"{there}.{name}.weight"] for name in ("input_layernorm", "post_attention_layernorm")
    }
    for name in ("q_norm", "k_norm"):
        weights[f"self_attn.{name}.weight"] = found[f"{there}.attn.{name}.layernorm.weight"]
    for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
        weights[f"self_attn.{name}.weight"] = part.contiguous()
    weights["self_attn.o_proj.weight"] = found[f"{there}.attn.o_proj.MatMul.weight"].T.contiguous()
    for name in ("gate_proj", "up_proj", "down_proj"):
        weights[f"mlp.{name}.weight"] = found[f"{there}.mlp.{name}.MatMul.weight"].T.contiguous()
    return weights


def take_tokenizer(folder: Path, run: Path) -> None:
    """Give the run the tokenizer of the model that it goes on from."""
    shutil.copy(folder / "tokenizer.json", run / "tokenizer.json")
