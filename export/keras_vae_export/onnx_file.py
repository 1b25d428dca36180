"""The ONNX file of one signature."""

import os
import pathlib
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keras_vae_export.canonical import canonical, nodes_of
from keras_vae_export.functions import Form
from keras_vae_export.interface import check_interface
from keras_vae_export.onnx_check import check_plain
from keras_vae_export.onnx_graph import core_of, with_stream
from keras_vae_export.signatures import Signature, TensorSpec, onnx_path

OPSET = 18  # The largest that tf2onnx writes.
RUNTIME = "onnxruntime"
# onnxruntime 1.31 kills its process in these on an empty batch.
_NO_EMPTY_BATCH = ("GRU", "LSTM")
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


def write(path: pathlib.Path, signature: Signature, form: Form) -> Any:
    """Writes a signature's graph, checked.

    Returns:
        Its core, an `onnx.ModelProto`, of which variants can be made.

    Raises:
        ExportError: if it has no valid form in ONNX's default domain.
    """
    core = core_of(signature, form, OPSET)
    write_core(path, onnx_path(signature.name), core, signature, form)
    return core


def write_core(
    path: pathlib.Path, file: str, core: Any, signature: Signature, form: Form
) -> None:
    """Writes a core with the seeded stream before it, checked.

    Args:
        path: Where to.
        file: The file's path in the version directory, for messages.
        core: The signature's core, or a variant of it.
        signature: What the file computes.
        form: How it comes from its core.

    Raises:
        ExportError: if it has no valid form in ONNX's default domain.
    """
    graph = with_stream(core, signature, form)
    model = canonical(graph, signature, OPSET)
    check_plain(model, file)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def load(
    path: pathlib.Path,
    signature: Signature,
    file: str | None = None,
    num_threads: int = 0,
) -> Callable[..., dict[str, np.ndarray]]:
    """Loads a file in onnxruntime, as a function of arrays by name.

    Args:
        path: The file.
        signature: What it was written from.
        file: Its path in the version directory, for messages. Defaults to
            that of the signature's float32 file.
        num_threads: Integer, the threads that it runs on. 0, the default,
            leaves the number to onnxruntime.

    Raises:
        ExportError: if its inputs and outputs are not the signature's, or it
            is not plain.
    """
    import onnx
    import onnxruntime

    model = onnx.load(path, load_external_data=False)
    file = file or onnx_path(signature.name)
    check_plain(model, file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = num_threads
    options.log_severity_level = 3  # errors alone
    session = onnxruntime.InferenceSession(
        os.fspath(path), options, providers=["CPUExecutionProvider"]
    )
    inputs, outputs = session.get_inputs(), session.get_outputs()
    check_interface(file, signature, _specs(inputs), _specs(outputs))
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
