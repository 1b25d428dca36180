"""Rewrites of a traced step that leave its values as they are."""

from typing import Any

import torch
from torch.fx import Graph, GraphModule, Node
from torch.fx.node import map_arg

_ATEN = torch.ops.aten
# The graph is run without gradients, and changes no tensor in place: what
# copies or detaches for their sake does nothing in it.
_COPIES = {
    _ATEN.detach.default,
    _ATEN.alias.default,
    _ATEN.lift_fresh_copy.default,
}
# Operations that leave a tensor as it is where the other is this number.
_NEUTRAL = {
    _ATEN.add.Tensor: 0.0,
    _ATEN.sub.Tensor: 0.0,
    _ATEN.mul.Tensor: 1.0,
    _ATEN.div.Tensor: 1.0,
    _ATEN.div.Scalar: 1.0,
    _ATEN.mul.Scalar: 1.0,
    _ATEN.pow.Tensor_Scalar: 1.0,
}
# What makes a tensor of one number, whatever values it is given.
_FILLED = {_ATEN.zeros_like.default: 0.0, _ATEN.ones_like.default: 1.0}
_LARGEST_CONSTANT = 2**20  # elements
_RESHAPES = {
    _ATEN.view.default,
    _ATEN._unsafe_view.default,
    _ATEN.expand.default,
    _ATEN.reshape.default,
}


def changes_tensors(graph: Graph) -> bool:
    """Whether an operation changes a tensor in place."""
    schemas = [getattr(node.target, "_schema", None) for node in graph.nodes]
    return any(schema is not None and schema.is_mutable for schema in schemas)


def simplify(module: GraphModule) -> None:
    """Takes out of a graph what does nothing, and computes its constants.

    Raises:
        NotImplementedError: if an operation changes a tensor in place.
    """
    if changes_tensors(module.graph):
        raise NotImplementedError("a tensor is changed in place")
    constants: dict[Node, Any] = {}
    for node in list(module.graph.nodes):
        if node.op == "get_attr":
            constants[node] = getattr(module, str(node.target))
        elif node.op != "call_function":
            continue
        elif (filled := _filled(node)) is not None:
            constants[node] = filled
        elif _is_constant(node, constants):
            constants[node] = _compute(node, constants)
        elif (same := _same_as(node, constants)) is not None:
            node.replace_all_uses_with(same)
    _keep(module, constants)
    module.graph.eliminate_dead_code()
    module.recompile()


def _is_constant(node: Node, constants: dict[Node, Any]) -> bool:
    is_random = torch.Tag.nondeterministic_seeded in getattr(
        node.target, "tags", ()
    )
    return not is_random and all(n in constants for n in node.all_input_nodes)


def _filled(node: Node) -> torch.Tensor | None:
    """Returns the tensor of one number that a node makes, if it is small."""
    value = node.meta.get("val")
    if node.target not in _FILLED or value.numel() > _LARGEST_CONSTANT:
        return None
    number = _FILLED[node.target]
    return torch.full(
        value.shape, number, dtype=value.dtype, device=value.device
    )


def _compute(node: Node, constants: dict[Node, Any]) -> Any:
    args, kwargs = map_arg((node.args, node.kwargs), constants.__getitem__)
    return node.target(*args, **kwargs)


def _same_as(node: Node, constants: dict[Node, Any]) -> Node | None:
    """Returns the node whose value this one has, if there is one."""
    if node.target in _COPIES:
        return node.args[0]
    if node.target in _RESHAPES and _alike(node, node.args[0]):
        return node.args[0]
    if node.target is _ATEN.sum.dim_IntList and _alike(node, node.args[0]):
        return node.args[0]  # Over axes of one element, which it keeps.
    if node.target not in _NEUTRAL or node.kwargs:
        return None
    first, second = node.args
    neutral = constants.get(second, second)
    if not _alike(node, first) or not _is_all(neutral, _NEUTRAL[node.target]):
        return None
    return first


def _is_all(value: Any, number: float) -> bool:
    if isinstance(value, torch.Tensor):
        return bool((value == number).all())
    return isinstance(value, (int, float)) and value == number


def _alike(one: Any, other: Any) -> bool:
    """Whether the values of two nodes have the same shape and dtype."""
    first, second = [
        node.meta.get("val") if isinstance(node, Node) else None
        for node in (one, other)
    ]
    if first is None or second is None:
        return False
    return first.shape == second.shape and first.dtype == second.dtype


def _keep(module: GraphModule, constants: dict[Node, Any]) -> None:
    """Puts computed tensors in the place of what computed them."""
    for index, (node, value) in enumerate(constants.items()):
        if node.op == "get_attr" or not isinstance(value, torch.Tensor):
            continue
        name = f"constant_{index}"
        module.register_buffer(name, value, persistent=False)
        with module.graph.inserting_before(node):
            kept = module.graph.get_attr(name)
        node.replace_all_uses_with(kept)
