"""The OpenVINO files of one signature, for Intel's processors."""

import importlib
import os
import pathlib
import re
import sys
import tempfile
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any

import numpy as np

from keras_vae_export import onnx_file
from keras_vae_export.errors import ExportError
from keras_vae_export.functions import Form
from keras_vae_export.interface import check_interface
from keras_vae_export.signatures import BATCH, Signature, TensorSpec, path_of

FORMAT = "openvino"
RUNTIME = "OpenVINO"
LOOPS = True
SMALLEST_BATCH = 0
_REPORTER = "openvino_telemetry"
# Else it computes in bfloat16 on processors that are faster in it.
_CONFIG = {"INFERENCE_PRECISION_HINT": "f32"}


def _library() -> ModuleType:
    """Imports OpenVINO without the report of it that it sends to its makers.

    Where the package that reports is missing, OpenVINO goes without.
    """
    if "openvino" not in sys.modules:
        sys.modules[_REPORTER] = None  # type: ignore[assignment]
        try:
            importlib.import_module("openvino")
        finally:
            del sys.modules[_REPORTER]
    return sys.modules["openvino"]


def write(path: pathlib.Path, signature: Signature, form: Form) -> None:
    """Writes a signature's graph, and its weights to a `.bin` file beside it.

    It is read from the ONNX file of the same signature.

    Args:
        path: The file of the graph, which ends in `.xml`.
        signature: What to compute.
        form: How it comes from its core.

    Raises:
        ExportError: if ONNX or OpenVINO has no form of it.
    """
    openvino = _library()
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        source = pathlib.Path(folder) / "model.onnx"
        onnx_file.write(source, signature, form)
        content = source.read_bytes()
    try:
        model = openvino.Core().read_model(content)
    except RuntimeError as error:
        names = _unread_operations(error)
        if not names:
            raise
        raise ExportError(
            f"`{path_of(signature.name, FORMAT)}` would hold operations that "
            f"OpenVINO does not read from ONNX: {names}. Replace the layers "
            f'that need them, or leave out the format "{FORMAT}".'
        ) from error
    _name_by_place(model, signature)
    path.parent.mkdir(parents=True, exist_ok=True)
    openvino.save_model(model, os.fspath(path), compress_to_fp16=False)


def _unread_operations(error: RuntimeError) -> list[str]:
    """Reads ONNX's names of them in what OpenVINO raised."""
    summary = str(error).rpartition("Summary:")[2]
    return sorted(set(re.findall(r"\b(\w+)-\d+\b", summary)))  # as in Det-18


def _name_by_place(model: Any, signature: Signature) -> None:
    """Names what OpenVINO numbers through the life of a process.

    Else two files of one model would differ. Inputs and outputs are also
    found by the names of their tensors, which stay.
    """
    model.set_friendly_name(signature.name)
    for index, node in enumerate(model.get_ordered_ops()):
        node.set_friendly_name(f"{node.get_type_name()}_{index}")
    for port in model.inputs:
        port.get_node().set_friendly_name(port.any_name)


def load(
    path: pathlib.Path, signature: Signature
) -> Callable[..., dict[str, np.ndarray]]:
    """Loads a file in OpenVINO, as a function of arrays by name.

    Raises:
        ExportError: if its inputs and outputs are not the signature's.
    """
    openvino = _library()
    core = openvino.Core()
    model = core.read_model(os.fspath(path))
    inputs, outputs = _specs(model.inputs), _specs(model.outputs)
    check_interface(path_of(signature.name, FORMAT), signature, inputs, outputs)
    run = core.compile_model(model, "CPU", _CONFIG)
    output_names = [spec.name for spec in signature.outputs]

    def call(**arrays: np.ndarray) -> dict[str, np.ndarray]:
        values = run(arrays)
        return {name: values[name] for name in output_names}

    return call


def _specs(ports: Iterable[Any]) -> list[TensorSpec]:
    return [
        TensorSpec(
            port.any_name,
            np.dtype(port.element_type.to_dtype()).name,
            tuple(
                BATCH if size.is_dynamic else size.get_length()
                for size in port.partial_shape
            ),
        )
        for port in ports
    ]


def versions() -> dict[str, str]:
    """Returns the version of the library that writes and runs the files."""
    return {"openvino": str(_library().__version__)}
