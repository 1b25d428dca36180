"""TensorFlow's operations that tf2onnx leaves as they are, in ONNX's own.

Keras computes the exact GELU with `Erfc`, CELU with `Expm1`.
"""

from typing import Any


def with_own_operations(model: Any) -> Any:
    """Replaces operations that ONNX lacks, in a graph and all its bodies.

    Args:
        model: `onnx.ModelProto`, which is changed.

    Returns:
        `model`.
    """
    _replace(model.graph)
    return model


def _replace(graph: Any) -> None:
    import onnx

    nodes = []
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.GRAPH:
                _replace(attribute.g)
        replacement = _REPLACEMENTS.get(node.op_type)
        nodes += [node] if replacement is None else replacement(node)
    kept = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
    graph.ClearField("node")
    graph.node.extend(kept)


def _erfc(node: Any) -> list[Any]:
    # erfc(x) = 1 - erf(x)
    (x,), (y,) = node.input, node.output
    one = _one(y)
    return [
        _node("Erf", [x], f"{y}/erf"),
        one,
        _node("Sub", [one.output[0], f"{y}/erf"], y),
    ]


def _expm1(node: Any) -> list[Any]:
    # expm1(x) = exp(x) - 1
    (x,), (y,) = node.input, node.output
    one = _one(y)
    return [
        _node("Exp", [x], f"{y}/exp"),
        one,
        _node("Sub", [f"{y}/exp", one.output[0]], y),
    ]


_REPLACEMENTS = {"Erfc": _erfc, "Expm1": _expm1}


def _one(output: str) -> Any:
    import numpy as np
    import onnx

    value = onnx.numpy_helper.from_array(np.float32(1))
    return onnx.helper.make_node("Constant", [], [f"{output}/one"], value=value)


def _node(op_type: str, inputs: list[str], output: str) -> Any:
    import onnx

    return onnx.helper.make_node(op_type, inputs, [output])
