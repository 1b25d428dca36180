"""ONNX graphs without the Identity nodes that converters leave at random."""

from typing import Any


def without_identities(
    graph: Any, outer: dict[str, str] | None = None
) -> tuple[Any, list[str]]:
    """Copies a graph with every Identity bypassed that can be.

    Where a converter leaves an Identity, and which of two equal values it
    passes on, may depend on the names of nodes.

    Args:
        graph: `onnx.GraphProto`, its nodes in topological order.
        outer: By outer value that a bypassed Identity gave, the value that
            takes its place.

    Returns:
        The copy, whose outputs keep their old names, and the values that
        stand for them: each another one, made by a node or, in a body, given
        as an argument.
    """
    import onnx

    copy = onnx.GraphProto()
    copy.CopyFrom(graph)
    copy.ClearField("node")
    aliases = _visible(graph, outer or {})
    for node in graph.node:
        kept = _redirected(node, aliases)
        if node.op_type == "Identity":
            aliases[node.output[0]] = kept.input[0]
        else:
            copy.node.append(kept)
    return copy, _distinct_outputs(copy, aliases, is_body=outer is not None)


def _visible(graph: Any, outer: dict[str, str]) -> dict[str, str]:
    """Leaves out the outer values whose names the graph defines anew."""
    own = {value.name for value in (*graph.input, *graph.initializer)}
    own.update(name for node in graph.node for name in node.output)
    return {old: new for old, new in outer.items() if old not in own}


def _redirected(node: Any, aliases: dict[str, str]) -> Any:
    """Copies a node that reads the values which stand for its inputs."""
    import onnx

    copy = onnx.NodeProto()
    copy.CopyFrom(node)
    copy.input[:] = [aliases.get(name, name) for name in node.input]
    for attribute in copy.attribute:
        if attribute.HasField("g"):
            body, outputs = without_identities(attribute.g, aliases)
            for value, name in zip(body.output, outputs, strict=True):
                value.name = name
            attribute.g.CopyFrom(body)
    return copy


def _distinct_outputs(
    graph: Any, aliases: dict[str, str], is_body: bool
) -> list[str]:
    """Returns the values of a graph's outputs, with Identities it needs."""
    import onnx

    free = {name for node in graph.node for name in node.output}
    if is_body:
        free.update(value.name for value in graph.input)
    names: list[str] = []
    for value in graph.output:
        name = aliases.get(value.name, value.name)
        if name not in free:
            copied = f"{name}/output_{len(names)}"
            node = onnx.helper.make_node("Identity", [name], [copied])
            graph.node.append(node)
            name = copied
        free.discard(name)
        names.append(name)
    return names
