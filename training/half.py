"""Half: keeps the heavy weights of an ONNX network as half-precision numbers, which become floats when it is loaded.

The published checkpoint holds half-precision numbers, so nothing is lost: transformers and the engine compute with the
same ones, both in single precision. onnxruntime folds the casts while it loads; the file is half as large.
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import helper, numpy_helper

_DATA = "model.onnx.data"
_INLINE_BYTES = 1024
_MARK = ".half"


def store_halves(folder: Path) -> None:
    """Write the network in a folder anew, with its matrices as half-precision numbers.

    Raises: ValueError when a matrix holds a number that half precision does not have.
    """
    path = folder / "model.onnx"
    model = onnx.load(path)
    graph = model.graph
    heavy = {node.input[1] for node in graph.node if node.op_type == "MatMul"}
    casts = []
    for tensor in graph.initializer:
        if tensor.name in heavy:
            casts.append(helper.make_node("Cast", [tensor.name + _MARK], [tensor.name], to=onnx.TensorProto.FLOAT))
            tensor.CopyFrom(_halved(tensor))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
    (folder / _DATA).unlink()
    onnx.save(model, path, save_as_external_data=True, location=_DATA, size_threshold=_INLINE_BYTES)


def _halved(tensor: onnx.TensorProto) -> onnx.TensorProto:
    whole = numpy_helper.to_array(tensor)
    halves = whole.astype(np.float16)
    if not np.array_equal(halves.astype(np.float32), whole):
        raise ValueError(f"{tensor.name} holds numbers that half precision does not have; round the checkpoint first")
    return numpy_helper.from_array(halves, tensor.name + _MARK)
