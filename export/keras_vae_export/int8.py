"""Weights in 8 bits, and activations in 8 bits that are scaled as they come.

Dynamic quantisation takes one scale for all of a batch, so the rows of a
batch touch one another. ConvTranspose has no integer form in ONNX: it stays
in float32, as do weights that are too small to gain by it.
"""

import math
import pathlib
import tempfile
from typing import Any

from keras_vae_export.operations import (
    Counts,
    count,
    types_of,
    weighted_types_of,
)

# Below it the scaling of the input costs more than the weight saves.
MIN_VALUES = 1024
_RANKS = {"Conv": (3, 4, 5), "MatMul": (2,)}
_INTEGER_FORMS = {"ConvInteger": "Conv", "MatMulInteger": "MatMul"}


def change(model: Any) -> Any:
    """Quantises the weights of Conv, Gemm and MatMul by onnxruntime's tool.

    The weights of a MatMul have 7 bits of 8 and a scale for each column:
    processors without VNNI instructions add two products in 16 bits, which
    8 bits overflow, so that the file would give other images there. Those of
    a Conv are unsigned, for which onnxruntime is three times as fast.

    Args:
        model: `onnx.ModelProto`.
    """
    from onnxruntime.quantization import QuantType
    from onnxruntime.quantization.onnx_model import ONNXModel

    model = _with_names(model)
    ONNXModel(model).replace_gemm_with_matmul()
    model = _quantized(model, "Conv", weight_type=QuantType.QUInt8)
    return _quantized(
        model,
        "MatMul",
        weight_type=QuantType.QInt8,
        per_channel=True,
        reduce_range=True,
    )


def counts(before: Any, after: Any) -> Counts:
    """Counts the operations on integers, and those with float32 weights."""
    forms = [_INTEGER_FORMS.get(name) for name in types_of(after)]
    return Counts(
        count(form for form in forms if form),
        count(weighted_types_of(after)),
    )


def _with_names(model: Any) -> Any:
    """Copies a model, and gives each node a name of its own."""
    import onnx

    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    for number, node in enumerate(copy.graph.node):
        node.name = f"node_{number}"
    return copy


def _quantized(model: Any, op_type: str, **options: Any) -> Any:
    """Quantises the operations of one type that gain by it."""
    import onnx
    from onnxruntime.quantization import quant_utils, quantize_dynamic

    names = _worth_it(model, op_type)
    if not names:
        return model
    # Else it asks on the log for what the converter did already.
    quant_utils.add_pre_process_metadata(model)
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        path = pathlib.Path(folder) / "int8.onnx"
        quantize_dynamic(
            model,
            path,
            op_types_to_quantize=[op_type],
            nodes_to_quantize=names,
            **options,
        )
        return onnx.load(path)


def _worth_it(model: Any, op_type: str) -> list[str]:
    """Returns the names of nodes whose constant weights are large enough."""
    shapes = {one.name: tuple(one.dims) for one in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type == op_type:
            shape = shapes.get(node.input[1], ())
            large = math.prod(shape) >= MIN_VALUES
            if large and len(shape) in _RANKS[op_type]:
                found.append(node.name)
    return found
