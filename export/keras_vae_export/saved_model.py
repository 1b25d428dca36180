"""The SavedModel: what TensorFlow Serving loads."""

import os
import pathlib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras
import numpy as np

from keras_vae_export.interface import check_interface
from keras_vae_export.signatures import (
    BATCH,
    SAVED_MODEL_FILE,
    Signature,
    TensorSpec,
)

RUNTIME = "TensorFlow"
SERVING_DEFAULT = "serving_default"


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
        archive.add_endpoint(
            signature.name,
            functions[signature.name],
            input_signature=tensor_specs(signature.inputs),
        )
    archive.write_out(os.fspath(directory), verbose=False)


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


def load(
    directory: pathlib.Path, signature: Signature, name: str
) -> Callable[..., dict[str, np.ndarray]]:
    """Loads a signature back, as a function of arrays by name.

    Args:
        directory: The SavedModel.
        signature: What it was written from.
        name: The name to load it by: its own, or `"serving_default"`.

    Raises:
        ExportError: if its inputs and outputs are not the signature's.
    """
    import tensorflow as tf

    loaded = tf.saved_model.load(os.fspath(directory))
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

    call.loaded = loaded  # type: ignore[attr-defined]  # owns the variables
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
