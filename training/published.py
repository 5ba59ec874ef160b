"""Published: takes the weights of a model in the package's layout, so that a run can go on from a shipped model.

The folder holds half-precision numbers and no state of the optimizers: a run that starts here warms up anew.
"""

import shutil
from pathlib import Path

import onnx
import torch
from onnx import numpy_helper

from training.model import Shape

_MARK = ".half"
_EMBEDDINGS = "lm_head.MatMul.weight"
_PLAIN = ("o_proj", "gate_proj", "up_proj", "down_proj")


def published_weights(folder: Path, shape: Shape) -> dict[str, torch.Tensor]:
    """Give the weights under the network's own names.

    Raises: KeyError when the graph lacks a matrix; OSError when there is none.
    """
    graph = onnx.load(folder / "model.onnx").graph
    found = {
        tensor.name.removesuffix(_MARK): torch.from_numpy(numpy_helper.to_array(tensor).copy()).float()
        for tensor in graph.initializer
    }
    weights = {
        "embed_tokens.weight": found[_EMBEDDINGS].T.contiguous(),
        "norm.weight": found[f"model.layers.{shape.layers}.final_norm_layernorm.weight"],
    }
    for number in range(shape.layers):
        there, here = f"model.layers.{number}", f"layers.{number}"
        for name in ("input_layernorm", "post_attention_layernorm"):
            weights[f"{here}.{name}.weight"] = found[f"{there}.{name}.weight"]
        for name in ("q_norm", "k_norm"):
            weights[f"{here}.self_attn.{name}.weight"] = found[f"{there}.attn.{name}.layernorm.weight"]
        keys = shape.key_heads * shape.head_width
        parts = found[f"{there}.attn.qkv_proj.MatMul.weight"].T.split([shape.heads * shape.head_width, keys, keys])
        for name, part in zip(("q_proj", "k_proj", "v_proj"), parts, strict=True):
            weights[f"{here}.self_attn.{name}.weight"] = part.contiguous()
        for name in _PLAIN:
            block = "attn" if name == "o_proj" else "mlp"
            own = "self_attn" if name == "o_proj" else "mlp"
            weights[f"{here}.{own}.{name}.weight"] = found[f"{there}.{block}.{name}.MatMul.weight"].T.contiguous()
    return weights


def take_tokenizer(folder: Path, run: Path) -> None:
    """Give the run the tokenizer of the model that it goes on from."""
    shutil.copy(folder / "tokenizer.json", run / "tokenizer.json")
