"""ONNX graphs in one form, whatever was built before in the process.

Keras counts layers per process, and their names come back in the names of
nodes, values and initialisers, and in what is sorted by them. Here names and
order come from the graph's structure alone, so that two conversions of one
model give the same bytes.
"""

import collections
from collections.abc import Iterator
from typing import Any

from keras_vae.version import __version__
from keras_vae_export.errors import ExportError
from keras_vae_export.identities import without_identities
from keras_vae_export.signatures import Signature, TensorSpec

IR_VERSION = 8  # The oldest that goes with opset 18.


def canonical(model: Any, signature: Signature, opset: int) -> Any:
    """Returns an ONNX model in canonical form.

    Args:
        model: `onnx.ModelProto` with the signature's inputs and outputs.
        signature: Gives their order and shapes.
        opset: Integer, the version of the default domain's operators.

    Returns:
        A new `onnx.ModelProto`, without what does not affect the outputs.

    Raises:
        ExportError: if inputs or outputs are not the signature's.
    """
    import onnx

    _check_names(model.graph, signature)
    plain, roots = without_identities(model.graph)
    by_name = {
        value.name: root
        for value, root in zip(plain.output, roots, strict=True)
    }
    outputs = [by_name[spec.name] for spec in signature.outputs]
    values = {spec.name: spec.name for spec in signature.inputs}
    values |= {by_name[spec.name]: spec.name for spec in signature.outputs}
    parts = _Renamer().graph(plain, values, outputs)
    graph = onnx.helper.make_graph(
        parts.nodes,
        signature.name,
        [_value_info(spec) for spec in signature.inputs],
        [_value_info(spec) for spec in signature.outputs],
        parts.initializers,
    )
    return onnx.helper.make_model(
        graph,
        producer_name="keras_vae_export",
        producer_version=__version__,
        ir_version=IR_VERSION,
        opset_imports=[onnx.helper.make_opsetid("", opset)],
    )


def nodes_of(graph: Any) -> Iterator[Any]:
    """Yields the nodes of an `onnx.GraphProto` and of its subgraphs."""
    for node in graph.node:
        yield node
        for attribute in _subgraphs(node):
            yield from nodes_of(attribute.g)


def _check_names(graph: Any, signature: Signature) -> None:
    for kind, wanted, found in (
        ("inputs", signature.inputs, graph.input),
        ("outputs", signature.outputs, graph.output),
    ):
        names = sorted(value.name for value in found)
        expected = sorted(spec.name for spec in wanted)
        if names != expected:
            raise ExportError(
                f"The ONNX graph of `{signature.name}` must have the {kind} "
                f"{expected}. Received: {names}."
            )


def _value_info(spec: TensorSpec) -> Any:
    import numpy as np
    import onnx

    dtype = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(spec.dtype))
    return onnx.helper.make_tensor_value_info(spec.name, dtype, spec.shape)


# --- Order --------------------------------------------------------------------


def ordered(graph: Any, outputs: list[str]) -> list[Any]:
    """Sorts the nodes that `outputs` need: each after those it depends on."""
    producers = {
        value: index
        for index, node in enumerate(graph.node)
        for value in node.output
    }
    order: list[int] = []
    done: set[int] = set()
    stack = [producers[o] for o in reversed(outputs) if o in producers]
    while stack:
        used = values_read(graph.node[stack[-1]])
        needed = [producers[value] for value in used if value in producers]
        waiting = [index for index in needed if index not in done]
        if waiting:
            stack += reversed(waiting)
            continue
        index = stack.pop()
        if index not in done:
            done.add(index)
            order.append(index)
    return [graph.node[index] for index in order]


def values_read(node: Any) -> list[str]:
    """Returns the values a node reads, its subgraphs' outer ones included."""
    used = [name for name in node.input if name]
    for attribute in _subgraphs(node):
        used += _outer_values(attribute.g)
    return used


def _outer_values(graph: Any) -> list[str]:
    """Returns the values that a graph uses and does not define."""
    own = {value.name for value in (*graph.input, *graph.initializer)}
    own.update(name for node in graph.node for name in node.output)
    used = [name for node in graph.node for name in values_read(node)]
    used += [value.name for value in graph.output]
    return [name for name in used if name not in own]


def _subgraphs(node: Any) -> list[Any]:
    """Returns the attributes of a node that hold a graph, by name."""
    found = [one for one in node.attribute if one.HasField("g")]
    return sorted(found, key=lambda attribute: attribute.name)


# --- Names --------------------------------------------------------------------


class _Parts:
    """The nodes and initialisers of one graph, renamed."""

    def __init__(self, graph: Any) -> None:
        self.constants = {one.name: one for one in graph.initializer}
        self.nodes: list[Any] = []
        self.initializers: list[Any] = []


class _Renamer:
    """Copies graphs with names that are counted through the whole model."""

    def __init__(self) -> None:
        self.counts: collections.Counter[str] = collections.Counter()

    def graph(
        self, graph: Any, values: dict[str, str], outputs: list[str]
    ) -> _Parts:
        """Renames a graph in the order in which its outputs need it.

        Args:
            graph: `onnx.GraphProto`.
            values: New names of values by their old ones: those that are
                given. The graph's others are added.
            outputs: Old names of the graph's outputs.
        """
        parts = _Parts(graph)
        for node in ordered(graph, outputs):
            for name in values_read(node):
                self._constant(name, parts, values)
            parts.nodes.append(self._node(node, values))
        for name in outputs:
            self._constant(name, parts, values)
        return parts

    def _count(self, kind: str) -> str:
        self.counts[kind] += 1
        return f"{kind}_{self.counts[kind] - 1}"

    def _constant(
        self, name: str, parts: _Parts, values: dict[str, str]
    ) -> None:
        """Names an initialiser where it is first used."""
        from onnx import numpy_helper

        tensor = parts.constants.pop(name, None)
        if tensor is not None:
            new = values.setdefault(name, self._count("constant"))
            array = numpy_helper.to_array(tensor)
            parts.initializers.append(numpy_helper.from_array(array, new))

    def _node(self, node: Any, values: dict[str, str]) -> Any:
        """Copies a node under new names, its subgraphs too."""
        import onnx

        copy = onnx.NodeProto(op_type=node.op_type, domain=node.domain)
        copy.name = self._count(node.op_type)
        copy.input.extend(values[name] if name else "" for name in node.input)
        for index, name in enumerate(node.output):
            new = f"{copy.name}:{index}" if index else copy.name
            copy.output.append(values.setdefault(name, new) if name else "")
        for attribute in sorted(node.attribute, key=lambda one: one.name):
            copied = copy.attribute.add()
            copied.CopyFrom(attribute)
            if attribute.HasField("g"):
                copied.g.CopyFrom(self._subgraph(attribute.g, values))
        return copy

    def _subgraph(self, graph: Any, outer: dict[str, str]) -> Any:
        """Renames the body of a loop or a branch."""
        import onnx

        values = dict(outer)
        inputs = [_without_sizes(value) for value in graph.input]
        for value in inputs:
            values[value.name] = self._count("argument")
        own = {name for node in graph.node for name in node.output}
        own.update(one.name for one in graph.initializer)
        for name in own:
            values.pop(name, None)
        parts = self.graph(graph, values, [o.name for o in graph.output])
        outputs = [_without_sizes(value) for value in graph.output]
        for value in (*inputs, *outputs):
            value.name = values[value.name]
        name = self._count("body")
        return onnx.helper.make_graph(
            parts.nodes, name, inputs, outputs, parts.initializers
        )


def _without_sizes(value: Any) -> Any:
    """Copies a value's name and type without the names of its axes."""
    import onnx

    copy = onnx.ValueInfoProto()
    copy.CopyFrom(value)
    for size in copy.type.tensor_type.shape.dim:
        if size.HasField("dim_param"):
            size.ClearField("dim_param")
    return copy
