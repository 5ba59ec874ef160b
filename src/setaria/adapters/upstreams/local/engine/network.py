"""Network: one pass of tokens through the model."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from setaria.core.errors import UpstreamFailed

Logits = npt.NDArray[np.float32]
CacheArray = npt.NDArray[np.generic]
"""Keys or values, of whatever number type the model has."""

_ELEMENTS: dict[str, type[np.float32] | type[np.float16]] = {"tensor(float)": np.float32, "tensor(float16)": np.float16}
_FIRST_KEY = "past_key_values.0.key"
_KNOWN_INPUTS = frozenset({"input_ids", "attention_mask", "position_ids"})
_PAST = "past_key_values."


@dataclass(frozen=True, slots=True)
class CacheShape:
    """What the network keeps of each token it has read: per layer a key and a value of `heads` x `head_size`."""

    layers: int
    heads: int
    head_size: int
    element: type[np.float32] | type[np.float16]


@dataclass(slots=True, eq=False)
class Block:
    """Neighbouring rows of the cache, per layer their keys and values, each one contiguous array.

    A network binds a block when it first runs on it, and uses that again: binding costs a quarter of a millisecond.
    """

    pairs: list[tuple[CacheArray, CacheArray]]
    binding: onnxruntime.IOBinding | None = None


class Network:
    """The network, run on rows of a cache that it reads and extends in place."""

    def __init__(self, session: onnxruntime.InferenceSession, heads: int, head_size: int) -> None:
        faults = find_faults(session)
        if faults:
            raise UpstreamFailed(f"model.onnx cannot be run: {'; '.join(faults)}")
        inputs = {node.name: node for node in session.get_inputs()}
        self._session = session
        self._wants_positions = "position_ids" in inputs
        layers = sum(name.startswith(_PAST) and name.endswith(".key") for name in inputs)
        self.shape = CacheShape(layers, heads, head_size, _ELEMENTS[inputs[_FIRST_KEY].type])

    def run(self, block: Block, ids: npt.NDArray[np.int64], mask: npt.NDArray[np.int64]) -> Logits:
        """Read the next tokens of some rows and give the logits after each row's last one.

        Takes: block, the rows: one with gaps would be copied and what the network adds would be lost; ids of shape
            [rows, tokens], where several tokens go with a single row only; mask of shape [rows, longest], a 1 for each
            token of the row, the new ones counted.
        Gives: logits [rows, vocabulary].
        """
        binding = block.binding = block.binding or self._bind(block)
        binding.bind_output("logits")
        binding.bind_cpu_input("input_ids", ids)
        binding.bind_cpu_input("attention_mask", mask)
        if self._wants_positions:
            tokens = ids.shape[1]
            binding.bind_cpu_input("position_ids", mask.sum(axis=1, keepdims=True) + np.arange(-tokens, 0))
        self._session.run_with_iobinding(binding)
        logits: npt.NDArray[np.float32] = binding.get_outputs()[-1].numpy()
        return logits[:, -1].astype(np.float32, copy=False)

    def _bind(self, block: Block) -> onnxruntime.IOBinding:
        """Let the network read the block's rows and write to them where they are."""
        binding = self._session.io_binding()
        for layer, pair in enumerate(block.pairs):
            for kind, array in zip(("key", "value"), pair, strict=True):
                value = onnxruntime.OrtValue.ortvalue_from_numpy(array)
                binding.bind_ortvalue_input(f"past_key_values.{layer}.{kind}", value)
                binding.bind_ortvalue_output(f"present.{layer}.{kind}", value)
        return binding


def find_faults(session: onnxruntime.InferenceSession) -> list[str]:
    """Tell in plain words why a network cannot be run by the engine; nothing when it can."""
    inputs = {node.name: node for node in session.get_inputs()}
    outputs = {node.name for node in session.get_outputs()}
    faults = [
        f"it lacks the input {name}" for name in ("input_ids", "attention_mask", _FIRST_KEY) if name not in inputs
    ]
    others = [name for name in inputs if name not in _KNOWN_INPUTS and not name.startswith(_PAST)]
    faults += [f"it has the input {name}, which the engine does not know" for name in others]
    expected = ["logits", *(name.replace(_PAST, "present.") for name in inputs if name.startswith(_PAST))]
    faults += [f"it lacks the output {name}" for name in expected if name not in outputs]
    first = inputs.get(_FIRST_KEY)
    if first is not None and first.type not in _ELEMENTS:
        faults.append(f"its cache holds {first.type}; it must be float or float16")
    return faults
