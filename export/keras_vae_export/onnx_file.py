"""The ONNX file of one signature."""

import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keras_vae_export.canonical import canonical, nodes_of
from keras_vae_export.errors import ExportError, cause_of
from keras_vae_export.functions import Form
from keras_vae_export.interface import check_interface
from keras_vae_export.onnx_graph import graph_of
from keras_vae_export.signatures import Signature, TensorSpec, onnx_path

OPSET = 18  # The largest that tf2onnx writes.
RUNTIME = "onnxruntime"
_DEFAULT_DOMAINS = ("", "ai.onnx")
# onnxruntime 1.31 kills its process in these on an empty batch.
_NO_EMPTY_BATCH = ("GRU", "LSTM")
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


def write(path: pathlib.Path, signature: Signature, form: Form) -> None:
    """Writes a signature's graph, checked.

    Raises:
        ExportError: if it has no valid form in ONNX's default domain.
    """
    model = canonical(graph_of(signature, form, OPSET), signature, OPSET)
    _check(model, signature)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _check(model: Any, signature: Signature) -> None:
    """Checks a model; tf2onnx writes what it cannot convert all the same."""
    import onnx

    path = onnx_path(signature.name)
    foreign = {
        f"{node.domain}::{node.op_type}"
        for node in nodes_of(model.graph)
        if node.domain not in _DEFAULT_DOMAINS
    }
    if foreign:
        raise ExportError(
            f"`{path}` would hold operations outside of ONNX's default "
            f"domain, which not every runtime has: {sorted(foreign)}. Replace "
            "the layers of the decoder that need them."
        )
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:
        raise ExportError(
            f"`{path}` would be no valid ONNX model: {cause_of(error)} Replace "
            "the layers of the decoder that have no form in ONNX, or export "
            '`formats=("tf_saved_model",)` alone.'
        ) from error


def load(
    path: pathlib.Path, signature: Signature
) -> Callable[..., dict[str, np.ndarray]]:
    """Loads a file in onnxruntime, as a function of arrays by name.

    Raises:
        ExportError: if its inputs and outputs are not the signature's.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(
        os.fspath(path), options, providers=["CPUExecutionProvider"]
    )
    inputs, outputs = session.get_inputs(), session.get_outputs()
    name = onnx_path(signature.name)
    check_interface(name, signature, _specs(inputs), _specs(outputs))
    output_names = [output.name for output in outputs]

    def call(**arrays: np.ndarray) -> dict[str, np.ndarray]:
        values = session.run(output_names, arrays)
        return dict(zip(output_names, values, strict=True))

    return call


def _specs(nodes: Iterable[Any]) -> list[TensorSpec]:
    return [
        TensorSpec(node.name, _DTYPES.get(node.type, node.type), (*node.shape,))
        for node in nodes
    ]


def smallest_batch(path: pathlib.Path) -> int:
    """Returns the smallest batch that is safe to run in onnxruntime."""
    import onnx

    nodes = nodes_of(onnx.load(path).graph)
    return int(any(node.op_type in _NO_EMPTY_BATCH for node in nodes))


def versions() -> dict[str, str]:
    """Returns the versions of the libraries that write and run the file."""
    import onnx
    import onnxruntime
    import tf2onnx

    modules = (tf2onnx, onnx, onnxruntime)
    return {module.__name__: str(module.__version__) for module in modules}
