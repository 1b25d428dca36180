"""Weights and arithmetic in float16; inputs and outputs stay float32."""

import pathlib
from typing import Any

import numpy as np

from keras_vae_export.canonical import nodes_of
from keras_vae_export.operations import Counts, count
from keras_vae_export.parity import Call
from keras_vae_export.reference import Arrays
from keras_vae_export.signatures import Signature

_LARGEST = 65504.0
_MOVES = ("Cast", "Identity")  # They compute nothing.


def change(model: Any) -> Any:
    """Converts a graph by onnxruntime's converter.

    It leaves in float32 what float16 is too coarse for (Range, CumSum, Min,
    Max and a few more), and sets weights beyond float16's range to its ends.

    Args:
        model: `onnx.ModelProto`.
    """
    from onnxruntime.transformers import float16

    return float16.convert_float_to_float16(model, keep_io_types=True)


def counts(before: Any, after: Any) -> Counts:
    """Counts the operations that give float16, and those that give float32."""
    import onnx

    types = _element_types(after.graph)
    names: dict[int, list[str]] = {
        onnx.TensorProto.FLOAT16: [],
        onnx.TensorProto.FLOAT: [],
    }
    for node in nodes_of(after.graph):
        found = types.get(node.output[0])
        if found in names and node.op_type not in _MOVES:
            names[found].append(node.op_type)
    converted, kept = names.values()
    return Counts(count(converted), count(kept))


def load_rounded(path: pathlib.Path, signature: Signature) -> Call:
    """Loads a file so that what its operations give is float16 indeed.

    On a CPU onnxruntime computes in float32, and keeps the digits and the
    range of float32 from one operation to the next. Runtimes with float16
    arithmetic have neither. Here the graph returns every value, which rounds
    them all.

    Args:
        path: The float16 file.
        signature: What it computes.

    Returns:
        A function of arrays by name, on one thread.
    """
    import onnx
    import onnxruntime

    model = onnx.shape_inference.infer_shapes(onnx.load(path))
    names = [spec.name for spec in signature.outputs]
    halves = [
        value
        for value in model.graph.value_info
        if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT16
    ]
    model.graph.output.extend(halves)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )

    def call(**arrays: np.ndarray) -> Arrays:
        # The others must be asked for, else they are left out and not rounded.
        values = session.run(None, arrays)
        return dict(zip(names, values, strict=False))

    return call


def remark(model: Any) -> str:
    """Says which constants of a graph float16 cannot hold, or nothing."""
    from onnx import TensorProto, numpy_helper

    sizes = [
        np.abs(numpy_helper.to_array(one))
        for one in model.graph.initializer
        if one.data_type == TensorProto.FLOAT
    ]
    beyond = sum(int((size > _LARGEST).sum()) for size in sizes)
    if not beyond:
        return ""
    largest = max(float(size.max(initial=0.0)) for size in sizes)
    return (
        f"{beyond} of its constants lie beyond float16's range of "
        f"{_LARGEST:.0f} (the largest is {largest:.3g}). "
    )


def _element_types(graph: Any) -> dict[str, int]:
    """Returns the types of values, those of bodies too."""
    values = [*graph.input, *graph.value_info, *graph.output]
    types = {one.name: one.type.tensor_type.elem_type for one in values}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                types |= _element_types(attribute.g)
    return types
