"""TensorFlow's arc functions in operations that LiteRT has.

Several likelihoods hold them: `bounded` is an arc tangent, and `log1p` an
inverse hyperbolic one.
"""

import functools
import pathlib
from typing import Any

from keras_vae_export.signatures import SAVED_MODEL_FILE


def rewrite(directory: pathlib.Path) -> None:
    """Replaces `Atan` and `Atanh` in the functions of a SavedModel."""
    from tensorflow.core.protobuf import saved_model_pb2

    path = directory / SAVED_MODEL_FILE
    model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    for graph in model.meta_graphs:
        for function in graph.graph_def.library.function:
            _rewrite_function(function)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _rewrite_function(function: Any) -> None:
    """Replaces the nodes of a `FunctionDef`; the new ones follow at its end."""
    replacements = {"Atan": _atan, "Atanh": _atanh}
    for node in [*function.node_def]:
        if node.op in replacements:
            old = f"{node.name}:y:0"
            replacements[node.op](function, node)
            _rename_output(function, old, f"{node.name}:z:0")


def _atan(function: Any, node: Any) -> None:
    # atan(x) = atan2(x, 1)
    x = node.input[0]
    _set(node, "Atan2", x, _add(function, node, "ones", "OnesLike", x))


def _atanh(function: Any, node: Any) -> None:
    # atanh(x) = log((1 + x) / (1 - x)) / 2
    x = node.input[0]
    add = functools.partial(_add, function, node)
    one = add("one", "OnesLike", x)
    above, below = add("above", "AddV2", one, x), add("below", "Sub", one, x)
    log = add("log", "Log", add("ratio", "RealDiv", above, below))
    _set(node, "RealDiv", log, add("two", "AddV2", one, one))


def _add(function: Any, node: Any, name: str, op: str, *inputs: str) -> str:
    """Adds a node under the name of another, and returns its output."""
    new = function.node_def.add(name=f"{node.name}/{name}")
    new.attr["T"].CopyFrom(node.attr["T"])
    _set(new, op, *inputs)
    output = "y" if len(inputs) == 1 else "z"  # as TensorFlow names them
    return f"{new.name}:{output}:0"


def _set(node: Any, op: str, *inputs: str) -> None:
    """Makes a node compute something else."""
    node.op = op
    node.input[:] = inputs


def _rename_output(function: Any, old: str, new: str) -> None:
    """Lets all that used an output use another one."""
    for node in function.node_def:
        node.input[:] = [new if name == old else name for name in node.input]
    for key, name in function.ret.items():
        if name == old:
            function.ret[key] = new
