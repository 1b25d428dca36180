"""What an ONNX graph must be: valid, plain, and complete in itself."""

from collections.abc import Iterator
from typing import Any

from keras_vae_export.canonical import nodes_of
from keras_vae_export.errors import ExportError, cause_of

_DEFAULT_DOMAINS = ("", "ai.onnx")
_RANDOM = {
    "Bernoulli",
    "Multinomial",
    "RandomNormal",
    "RandomNormalLike",
    "RandomUniform",
    "RandomUniformLike",
}


def check_plain(model: Any, file: str) -> None:
    """Raises unless any runtime computes the same from a graph.

    tf2onnx writes what it cannot convert all the same.

    Args:
        model: `onnx.ModelProto`, without data of other files.
        file: Its path, for the message.

    Raises:
        ExportError: if it draws, keeps data in other files, holds operations
            outside of ONNX's default domain, or is not valid.
    """
    nodes = list(nodes_of(model.graph))
    _check_operations(nodes, file)
    external = {t.name for t in _tensors(model.graph, nodes) if _elsewhere(t)}
    if external:
        raise ExportError(
            f"`{file}` must hold its data itself. Received: data in other "
            f"files for {sorted(external)}. Export the model again."
        )
    _check_valid(model, file)


def _check_operations(nodes: list[Any], file: str) -> None:
    foreign = {
        f"{node.domain}::{node.op_type}"
        for node in nodes
        if node.domain not in _DEFAULT_DOMAINS
    }
    if foreign:
        raise ExportError(
            f"`{file}` would hold operations outside of ONNX's default "
            f"domain, which not every runtime has: {sorted(foreign)}. Replace "
            "the layers of the decoder that need them."
        )
    drawing = {node.op_type for node in nodes} & _RANDOM
    if drawing:
        raise ExportError(
            f"`{file}` must compute the same for the same inputs. Received: "
            f"a graph with {sorted(drawing)}. Replace the layers that are "
            "random at inference."
        )


def _tensors(graph: Any, nodes: list[Any]) -> Iterator[Any]:
    """Yields all data of a graph, and of its nodes' bodies."""
    yield from graph.initializer
    for node in nodes:
        for attribute in node.attribute:
            yield from attribute.g.initializer
            yield from (attribute.t, *attribute.tensors)


def _elsewhere(tensor: Any) -> bool:
    return tensor.data_location == tensor.EXTERNAL


def _check_valid(model: Any, file: str) -> None:
    import onnx

    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ExportError(
            f"`{file}` would be no valid ONNX model: {cause_of(error)} Replace "
            "the layers of the decoder that have no form in ONNX, or export "
            '`formats=("tf_saved_model",)` alone.'
        ) from error
