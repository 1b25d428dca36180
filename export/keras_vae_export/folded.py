"""Constant folding and fusions that need no operation of onnxruntime's own."""

import collections
import pathlib
import tempfile
from typing import Any

from keras_vae_export.operations import (
    Counts,
    count,
    types_of,
    weighted_types_of,
)


def change(model: Any) -> Any:
    """Folds constants and fuses neighbours, as onnxruntime does on loading.

    Its basic optimisations keep to ONNX's default domain.

    Args:
        model: `onnx.ModelProto`.
    """
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3  # errors alone
    options.graph_optimization_level = (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    )
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        path = pathlib.Path(folder) / "folded.onnx"
        options.optimized_model_filepath = str(path)
        onnxruntime.InferenceSession(
            model.SerializeToString(),
            options,
            providers=["CPUExecutionProvider"],
        )
        return onnx.load(path)


def counts(before: Any, after: Any) -> Counts:
    """Counts the operations that are gone, and those with weights."""
    gone = collections.Counter(types_of(before))
    gone.subtract(types_of(after))
    return Counts(count((+gone).elements()), count(weighted_types_of(after)))
