"""The LiteRT file of one signature: the decoder on a phone or a board."""

import contextlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from keras_vae_export import litert_operations, saved_model
from keras_vae_export.errors import ExportError
from keras_vae_export.functions import Form
from keras_vae_export.interface import check_interface
from keras_vae_export.signatures import BATCH, Signature, TensorSpec, path_of
from keras_vae_export.tensorflow_functions import function_of

FORMAT = "litert"
RUNTIME = "LiteRT"
LOOPS = False  # It has them for a batch of a fixed size alone.
SMALLEST_BATCH = 1  # Some of its kernels refuse an empty batch.
_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16  # Bytes: LiteRT's schema asks for it, for weights in place.


def write(path: pathlib.Path, signature: Signature, form: Form) -> None:
    """Writes a signature's model, in LiteRT's own operations alone.

    Args:
        path: The file.
        signature: What to compute. It becomes a signature of the file, with
            the same names of inputs and outputs.
        form: How it comes from its core.

    Raises:
        ExportError: if it needs other operations.
    """
    content = _with_plain_names(_convert(signature, form))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def _convert(signature: Signature, form: Form) -> bytes:
    import tensorflow as tf

    name = signature.name
    functions = {name: function_of(signature, {name: form})}
    with tempfile.TemporaryDirectory(prefix="keras-vae-export-") as folder:
        # The names of inputs and outputs stay only on the way through files.
        saved_model.write(pathlib.Path(folder), [signature], functions)
        litert_operations.rewrite(pathlib.Path(folder))
        converter = tf.lite.TFLiteConverter.from_saved_model(
            folder, signature_keys=[name]
        )
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS]
        try:
            with _quiet():
                return converter.convert()
        except Exception as error:
            names = _missing_operations(error)
            if not names:
                raise
            raise ExportError(
                f"`{path_of(name, FORMAT)}` would hold operations that LiteRT "
                f"does not have: {names}. Replace the layers of the decoder "
                f'that need them, or leave out the format "{FORMAT}".'
            ) from error


def _missing_operations(error: Exception) -> list[str]:
    """Reads TensorFlow's names of them in what the converter raised."""
    found = (one.operator.name for one in getattr(error, "errors", ()))
    return sorted({name.removeprefix("tf.") for name in found if name})


def _with_plain_names(content: bytes) -> bytes:
    """Names tensors by their place; the converter takes Keras's names.

    Keras counts layers per process, so that two conversions of one model
    would differ. Inputs and outputs are named as in the signature.
    """
    import flatbuffers
    from tensorflow.lite.python import schema_py_generated as schema

    class Builder(flatbuffers.Builder):
        def StartVector(
            self, element_size: int, count: int, alignment: int
        ) -> int:
            aligned = max(alignment, _ALIGNMENT)
            return super().StartVector(element_size, count, aligned)

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(content, 0))
    for graph in model.subgraphs:
        for index, tensor in enumerate(graph.tensors):
            tensor.name = f"tensor_{index}"
    for one in model.signatureDefs:
        graph = model.subgraphs[one.subgraphIndex]
        for named in (*one.inputs, *one.outputs):
            graph.tensors[named.tensorIndex].name = named.name
    builder = Builder(len(content))
    builder.Finish(model.Pack(builder), file_identifier=_IDENTIFIER)
    return bytes(builder.Output())


def load(
    path: pathlib.Path, signature: Signature
) -> Callable[..., dict[str, np.ndarray]]:
    """Loads a file in LiteRT, as a function of arrays by name.

    Raises:
        ExportError: if its inputs and outputs are not the signature's.
    """
    from ai_edge_litert.interpreter import Interpreter

    with _quiet():
        interpreter = Interpreter(model_path=os.fspath(path))
        run = interpreter.get_signature_runner(signature.name)
    inputs, outputs = run.get_input_details(), run.get_output_details()
    name = path_of(signature.name, FORMAT)
    check_interface(name, signature, _specs(inputs), _specs(outputs))

    def call(**arrays: np.ndarray) -> dict[str, np.ndarray]:
        with _quiet():
            return run(**arrays)

    return call


def _specs(details: Mapping[str, Any]) -> Iterable[TensorSpec]:
    return [
        TensorSpec(
            name,
            np.dtype(one["dtype"]).name,
            tuple(
                BATCH if size < 0 else int(size)
                for size in one["shape_signature"]
            ),
        )
        for name, one in details.items()
    ]


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Drops what C++ code writes to the error stream in a block.

    LiteRT and its converter tell their progress there, and their errors a
    second time. No level of logging turns it off.
    """
    sys.stderr.flush()
    kept = os.dup(2)
    try:
        with open(os.devnull, "wb") as nowhere:
            os.dup2(nowhere.fileno(), 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def versions() -> dict[str, str]:
    """Returns the version of the library that runs the file."""
    import ai_edge_litert

    return {"ai_edge_litert": str(ai_edge_litert.__version__)}
