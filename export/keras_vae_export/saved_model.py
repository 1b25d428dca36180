"""The SavedModel: what TensorFlow Serving loads."""

import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_vae_export.errors import ExportError
from keras_vae_export.interface import check_interface
from keras_vae_export.signatures import (
    BATCH,
    DEFAULT_SIGNATURE,
    SAVED_MODEL_FILE,
    Signature,
    TensorSpec,
)

RUNTIME = "TensorFlow"
SERVING_DEFAULT = "serving_default"
_REFUSED = {
    "EagerPyFunc",
    "MatchingFiles",
    "Multinomial",
    "ParameterizedTruncatedNormal",
    "PyFunc",
    "PyFuncStateless",
    "ReadFile",
    "StatelessMultinomial",
    "TruncatedNormal",
    "WriteFile",
}


def write(
    directory: pathlib.Path,
    signatures: Iterable[Signature],
    functions: Mapping[str, Callable[..., Any]],
) -> None:
    """Writes a SavedModel with a signature for each function.

    Only the variables that the functions use are written.

    Args:
        directory: Where `saved_model.pb` and its folders go.
        signatures: What to write. The first becomes `serving_default` too.
        functions: The functions of tensors behind them, by name.
    """
    archive = keras.export.ExportArchive()
    for signature in signatures:
        function = archive.add_endpoint(
            signature.name,
            functions[signature.name],
            input_signature=tensor_specs(signature.inputs),
        )
        _order_variables(function.get_concrete_function())
    archive.write_out(os.fspath(directory), verbose=False)


def _order_variables(function: Any) -> None:
    """Puts a function's variables in the order in which it uses them.

    TensorFlow keeps them in a set, so that the names under which they are
    saved would change from run to run.
    """
    order = {id(one): n for n, one in enumerate(function.captured_inputs)}
    function.set_variables(
        sorted(function.variables, key=lambda one: order[id(one.handle)])
    )


def tensor_specs(specs: Iterable[TensorSpec]) -> list[Any]:
    """Returns inputs as TensorFlow describes them."""
    import tensorflow as tf

    return [
        tf.TensorSpec(
            [None if size == BATCH else size for size in spec.shape],
            spec.dtype,
            name=spec.name,
        )
        for spec in specs
    ]


def check_plain(directory: pathlib.Path) -> None:
    """Raises if a SavedModel draws, or reaches beyond its graph.

    Raises:
        ExportError: if it holds a random operation, or one that runs Python
            or touches files; those that restore variables are not meant.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    content = (directory / SAVED_MODEL_FILE).read_bytes()
    found: set[str] = set()
    for graph in saved_model_pb2.SavedModel.FromString(content).meta_graphs:
        bodies = [one.node_def for one in graph.graph_def.library.function]
        for nodes in (graph.graph_def.node, *bodies):
            found.update(node.op for node in nodes)
    refused = sorted(op for op in found if _is_refused(op))
    if refused:
        raise ExportError(
            f"`{SAVED_MODEL_FILE}` must compute the same for the same inputs, "
            f"by TensorFlow alone. Received: a graph with {refused}. Replace "
            "the layers that need them."
        )


def _is_refused(op: str) -> bool:
    return "Random" in op or op in _REFUSED


def names_of(signature: Signature) -> list[str]:
    """Returns the names that a signature has in the SavedModel."""
    if signature.name == DEFAULT_SIGNATURE:
        return [signature.name, SERVING_DEFAULT]
    return [signature.name]


def load(directory: pathlib.Path) -> Any:
    """Loads a SavedModel back; the functions of `call_of` need it alive."""
    import tensorflow as tf

    return tf.saved_model.load(os.fspath(directory))


def call_of(
    loaded: Any, signature: Signature, name: str
) -> Callable[..., dict[str, np.ndarray]]:
    """Returns a signature as a function of arrays by name.

    Args:
        loaded: What `load` returned.
        signature: What it was written from.
        name: The name it has there: its own, or `"serving_default"`.

    Raises:
        ExportError: if its inputs and outputs are not the signature's.
    """
    import tensorflow as tf

    run = loaded.signatures[name]
    check_interface(
        f"{SAVED_MODEL_FILE}, signature {name}",
        signature,
        _specs(run.structured_input_signature[1]),
        _specs(run.structured_outputs),
    )

    def call(**inputs: np.ndarray) -> dict[str, np.ndarray]:
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        return {key: value.numpy() for key, value in run(**tensors).items()}

    return call


def _specs(structure: Mapping[str, Any]) -> list[TensorSpec]:
    """Reads named tensor specs; an axis of any size is the batch's."""
    return [
        TensorSpec(
            name,
            spec.dtype.name,
            tuple(BATCH if size is None else size for size in spec.shape),
        )
        for name, spec in structure.items()
    ]
