"""Writes the files of an export on the TensorFlow backend, and proves them.

Run as `python -m keras_vae_export.worker FOLDER`, it reads the request that
stands in FOLDER and leaves its answer there.
"""

import contextlib
import logging
import pathlib
import sys
import traceback
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from keras_vae_export import onnx_file, parity, png, saved_model
from keras_vae_export.errors import ExportError, cause_of
from keras_vae_export.functions import forms_of, numpy_noise
from keras_vae_export.precision import as_float32, float32_policy
from keras_vae_export.reference import Reference, make_reference
from keras_vae_export.requests import Failure, Report, Request, save_answer
from keras_vae_export.signatures import (
    DEFAULT_SIGNATURE,
    SAVED_MODEL_FILE,
    Signature,
    in_format,
    onnx_path,
    signatures_of,
)
from keras_vae_export.source import import_modules, load_vae
from keras_vae_export.tensorflow_functions import function_of

_SUBJECT = "The model, as it was saved for its export,"
_LOGGERS = ("tensorflow", "tf2onnx", "absl")


def write(request: Request) -> Report:
    """Loads a model, writes the files that are asked for, and proves them.

    Raises:
        ExportError: if the model cannot be loaded or a file not be written.
        ParityError: if a file does not compute what the live model computed.
    """
    import_modules(request.imports)
    with _settings(), float32_policy():
        vae = as_float32(load_vae(pathlib.Path(request.model), _SUBJECT))
        vae.prior.freeze()
        reference = Reference.load(pathlib.Path(request.reference))
        loaded = make_reference(vae, reference.inputs)
        found = parity.check_model(loaded, reference)
        if not reference.exact:
            reference = loaded
        writer = _Writer(vae, pathlib.Path(request.directory), reference)
        chosen = {
            name: one
            for name, one in writer.signatures.items()
            if name in request.signatures
        }
        if "tf_saved_model" in request.formats:
            writer.write_saved_model([*chosen.values()])
        if "onnx" in request.formats:
            for signature in in_format(chosen, "onnx").values():
                writer.write_onnx(signature)
    versions = _versions(request.formats)
    return Report(found, writer.differences, writer.batch_sizes, versions)


class _Writer:
    """Writes a model's files to a directory and notes how exact they are."""

    def __init__(
        self, vae: Any, directory: pathlib.Path, reference: Reference
    ) -> None:
        self.signatures = signatures_of(vae)
        self.forms = forms_of(vae)
        self.directory = directory
        self.reference = reference
        self.differences: dict[str, dict[str, float]] = {}
        self.batch_sizes: dict[str, list[int]] = {}

    def write_saved_model(self, signatures: list[Signature]) -> None:
        """Writes and proves the SavedModel."""
        with _step("The SavedModel"):
            functions = {
                one.name: function_of(one, self.forms) for one in signatures
            }
            saved_model.write(self.directory, signatures, functions)
        for signature in signatures:
            names = [signature.name]
            if signature.name == DEFAULT_SIGNATURE:
                names.append(saved_model.SERVING_DEFAULT)
            for name in names:
                call = saved_model.load(self.directory, signature, name)
                if name == png.SIGNATURE:
                    self._prove_png(call)
                    continue
                self._prove(
                    SAVED_MODEL_FILE, saved_model.RUNTIME, call, signature
                )

    def write_onnx(self, signature: Signature) -> None:
        """Writes and proves a signature's ONNX file."""
        name = onnx_path(signature.name)
        path = self.directory / name
        with _step(f"`{name}`"):
            onnx_file.write(path, signature, self.forms[signature.name])
            call = onnx_file.load(path, signature)
            smallest = onnx_file.smallest_batch(path)
        self._prove(name, onnx_file.RUNTIME, call, signature, smallest)

    def _prove_png(self, call: Any) -> None:
        rows = "generate_rows"
        inputs = dict(self.reference.inputs[rows])
        ones = np.ones_like(inputs.pop("temperature"))
        form = self.forms[rows]
        noise, rest = numpy_noise(form, {**inputs, "temperature": ones})
        x = np.asarray(form.core(**noise, **rest)["x"])
        png.check(SAVED_MODEL_FILE, call, inputs, x)

    def _prove(
        self,
        file: str,
        runtime: str,
        call: Any,
        signature: Signature,
        smallest: int = 0,
    ) -> None:
        sizes = [size for size in parity.BATCH_SIZES if size >= smallest]
        found = parity.check_file(
            file, runtime, call, signature.name, self.reference, sizes
        )
        self.batch_sizes[file] = sizes
        figures = self.differences.setdefault(file, {})
        figures[runtime] = max(found, figures.get(runtime, 0.0))


@contextlib.contextmanager
def _step(subject: str) -> Iterator[None]:
    """Turns what libraries raise into one error that names the file."""
    try:
        yield
    except ExportError:
        raise
    except Exception as error:
        raise ExportError(
            f"{subject} could not be written: {type(error).__name__}: "
            f"{cause_of(error)}"
        ) from error


@contextlib.contextmanager
def _settings() -> Iterator[None]:
    """Full float32 products on any device, and no log lines below errors."""
    import tensorflow as tf

    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(tf32)
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)


def _versions(formats: Iterable[str]) -> dict[str, str]:
    import tensorflow as tf

    versions = {"tensorflow": str(tf.__version__)}
    if "onnx" in formats:
        versions |= onnx_file.versions()
    return versions


def main() -> None:
    """Answers the request in the folder that the command line names."""
    folder = pathlib.Path(sys.argv[1])
    try:
        answer: Report | Failure = write(Request.load(folder))
    except Exception as error:
        trace = traceback.format_exc()
        answer = Failure(type(error).__name__, str(error), trace)
    save_answer(folder, answer)


if __name__ == "__main__":
    main()
