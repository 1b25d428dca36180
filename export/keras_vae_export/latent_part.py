"""Graphs cut in two: what gives z, and the rest.

One seed means one latent, so what gives z is never converted to another
precision; only what comes after it is.
"""

from collections.abc import Callable, Iterable
from typing import Any

from keras_vae_export.canonical import nodes_of, ordered, values_read

LATENTS = "z"


def after_latents(model: Any, change: Callable[[Any], Any]) -> Any:
    """Changes an ONNX model, but for what gives its output z.

    Args:
        model: `onnx.ModelProto`: a core. It is left alone.
        change: From the part of the model that does not give z to a model
            with the same inputs and outputs.

    Returns:
        An `onnx.ModelProto` with the inputs and outputs of `model`. Where z
        is no output, all of it was changed.
    """
    import onnx

    model = onnx.shape_inference.infer_shapes(model)
    names = [value.name for value in model.graph.output]
    first = ordered(model.graph, [name for name in names if name == LATENTS])
    changed = change(_rest(model, first))
    head = _with_own_constants(first, model.graph)
    joined = onnx.ModelProto()
    joined.CopyFrom(changed)
    for field in ("node", "initializer", "input", "output", "value_info"):
        joined.graph.ClearField(field)
    for graph in (head, changed.graph):
        joined.graph.node.extend(graph.node)
        joined.graph.initializer.extend(graph.initializer)
        joined.graph.value_info.extend(graph.value_info)
    joined.graph.input.extend(model.graph.input)
    joined.graph.output.extend(model.graph.output)
    return joined


def _rest(model: Any, first: list[Any]) -> Any:
    """Returns the model without the nodes that come first."""
    import onnx

    graph = model.graph
    done = _outputs(first)
    nodes = [n for n in graph.node if done.isdisjoint(n.output)]
    own, read = _outputs(nodes), _read(nodes)
    constants = [one for one in graph.initializer if one.name in read]
    own.update(one.name for one in constants)
    types = _types(graph)
    rest = onnx.helper.make_graph(
        nodes,
        graph.name,
        [types[name] for name in read if name not in own],
        [value for value in graph.output if value.name not in done],
        constants,
    )
    return onnx.helper.make_model(
        rest, opset_imports=model.opset_import, ir_version=model.ir_version
    )


def _with_own_constants(nodes: list[Any], graph: Any) -> Any:
    """Copies nodes with their constants, under names of their own.

    The rest may convert a constant that both parts use.
    """
    import onnx

    read = _read(nodes)
    constants = [one for one in graph.initializer if one.name in read]
    names = {one.name: f"latents/{one.name}" for one in constants}
    outputs = _outputs(nodes)
    values = [one for one in graph.value_info if one.name in outputs]
    head = onnx.helper.make_graph(
        nodes, "latents", [], [], constants, value_info=values
    )
    for constant in head.initializer:
        constant.name = names[constant.name]
    for node in nodes_of(head):
        node.input[:] = [names.get(name, name) for name in node.input]
    return head


def _outputs(nodes: Iterable[Any]) -> set[str]:
    return {name for node in nodes for name in node.output if name}


def _read(nodes: Iterable[Any]) -> dict[str, None]:
    """Returns the names that nodes read, in the order of their first use."""
    return dict.fromkeys(name for node in nodes for name in values_read(node))


def _types(graph: Any) -> dict[str, Any]:
    values = (*graph.input, *graph.value_info, *graph.output)
    return {value.name: value for value in values}
