"""Repairs of converted graphs, so that they take an empty batch."""

from typing import Any


def with_counted_axes(model: Any) -> Any:
    """Rewrites the negative axes of an ONNX model's reductions.

    onnxruntime 1.31 leaves out a reduction over a negative axis where the
    batch is empty: its output has one axis too many.

    Args:
        model: `onnx.ModelProto`, which is changed.

    Returns:
        `model`. Axes that are computed, and those of tensors of unknown
        rank, stay as they are.
    """
    import numpy as np
    import onnx

    graph = model.graph
    ranks = _ranks(onnx.shape_inference.infer_shapes(model).graph)
    constants = {
        one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer
    }
    for number, node in enumerate(graph.node):
        if not node.op_type.startswith("Reduce") or len(node.input) < 2:
            continue
        axes, rank = constants.get(node.input[1]), ranks.get(node.input[0])
        if axes is None or rank is None or (axes >= 0).all():
            continue
        counted = np.where(axes < 0, axes + rank, axes).astype("int64")
        name = f"counted_axes_{number}"
        graph.initializer.append(onnx.numpy_helper.from_array(counted, name))
        node.input[1] = name
    return model


def with_literal_zeros(model: Any) -> Any:
    """Lets a computed shape's 0 mean an empty axis, as in TensorFlow.

    By default ONNX takes it for the size that the axis had before.

    Args:
        model: `onnx.ModelProto`, which is changed.

    Returns:
        `model`. Constant shapes stay as they are.
    """
    import onnx

    constants = {one.name for one in model.graph.initializer}
    for node in model.graph.node:
        if node.op_type == "Reshape" and node.input[1] not in constants:
            literal = onnx.helper.make_attribute("allowzero", 1)
            kept = [one for one in node.attribute if one.name != "allowzero"]
            node.ClearField("attribute")
            node.attribute.extend([*kept, literal])
    return model


def _ranks(graph: Any) -> dict[str, int]:
    values = (*graph.input, *graph.value_info, *graph.output)
    return {
        value.name: len(value.type.tensor_type.shape.dim)
        for value in values
        if value.type.tensor_type.HasField("shape")
    }
