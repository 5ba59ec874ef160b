"""Compare: whether transformers and the exported ONNX model write the same, taking the likeliest token each time."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from transformers import AutoModelForCausalLM

_LONGEST_ANSWER = 96
_ENDS = (0, 1, 2)


@dataclass(frozen=True, slots=True)
class Comparison:
    """How many prompts got the same answer from both, and from transformers and the development set."""

    prompts: int
    same: int
    expected: int

    def __str__(self) -> str:
        return (
            f"greedy output the same in transformers and ONNX: {self.same} of {self.prompts}; "
            f"as the development set has it: {self.expected} of {self.prompts}"
        )


def compare_greedily(
    transformers_folder: Path, onnx_folder: Path, prompts: list[tuple[list[int], list[int]]]
) -> Comparison:
    """Let both answer each prompt (given with the expected answer) and count."""
    reference = AutoModelForCausalLM.from_pretrained(transformers_folder, dtype=torch.float32)
    exported = _Exported(onnx_folder)
    same = expected = 0
    for prompt, answer in prompts:
        written = _generate(reference, prompt)
        same += written == exported.generate(prompt)
        expected += written == answer[:_LONGEST_ANSWER]
    return Comparison(len(prompts), same, expected)


def _generate(model: torch.nn.Module, prompt: list[int]) -> list[int]:
    ids = torch.tensor([prompt])
    output = model.generate(
        ids,
        attention_mask=torch.ones_like(ids),
        max_new_tokens=_LONGEST_ANSWER,
        do_sample=False,
        eos_token_id=list(_ENDS),
    )
    return [int(token) for token in output[0, len(prompt) :]]


class _Exported:
    """The ONNX model with its past, one dialogue at a time."""

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(folder / "model.onnx", options, providers=["CPUExecutionProvider"])
        shape = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self._layers = shape["num_hidden_layers"]
        self._empty = np.zeros((1, shape["num_key_value_heads"], 0, shape["head_dim"]), np.float32)

    def generate(self, prompt: list[int]) -> list[int]:
        """Write an answer, its end token included."""
        names = [f"{layer}.{part}" for layer in range(self._layers) for part in ("key", "value")]
        past = {f"past_key_values.{name}": self._empty for name in names}
        outputs = ["logits", *(f"present.{name}" for name in names)]
        written: list[int] = []
        ids, length = prompt, 0
        while len(written) < _LONGEST_ANSWER and not (written and written[-1] in _ENDS):
            length += len(ids)
            inputs = {"input_ids": np.array([ids], np.int64), "attention_mask": np.ones((1, length), np.int64)}
            logits, *present = self._session.run(outputs, inputs | past)
            past = {f"past_key_values.{name}": value for name, value in zip(names, present, strict=True)}
            ids = [int(logits[0, -1].argmax())]
            written += ids
        return written
