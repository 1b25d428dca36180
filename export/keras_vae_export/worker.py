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

from keras_vae_export import (
    manifest_reader,
    onnx_file,
    parity,
)
from keras_vae_export.errors import ExportError
from keras_vae_export.precision import as_float32, float32_policy
from keras_vae_export.proof import Proof
from keras_vae_export.reference import Reference, make_reference
from keras_vae_export.requests import (
    Answer,
    CheckReport,
    CheckRequest,
    Failure,
    Report,
    Request,
    load_request,
    save_answer,
)
from keras_vae_export.source import import_modules, load_vae
from keras_vae_export.writer import Writer, others

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
        reference.save(pathlib.Path(request.reference))
        directory = pathlib.Path(request.directory)
        writer = Writer(vae, request.name, directory, reference)
        writer.write(request)
    versions = _versions(request.formats)
    return Report(
        found,
        versions=versions,
        variants=writer.variants,
        **writer.proof.results(),
    )


def check(request: CheckRequest) -> CheckReport:
    """Runs the files of a version directory against its own reference."""
    directory = pathlib.Path(request.directory)
    content = manifest_reader.load(directory)
    reference_file = content["parity"]["reference"]["file"]
    proof = Proof(directory, Reference.load(directory / reference_file))
    files = {name: one["files"] for name, one in content["signatures"].items()}
    signatures = manifest_reader.signatures(content)
    problems = []
    with _settings():
        steps = proof.steps(files, signatures, content.get("variants", {}))
        for prove in steps:
            try:
                prove()
            except ExportError as error:
                problems.append(str(error))
    return CheckReport(problems, proof.differences, proof.png_levels)


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
    for module in others(formats):
        versions |= module.versions()
    return versions


def _answer(request: Request | CheckRequest) -> Answer:
    return write(request) if isinstance(request, Request) else check(request)


def main() -> None:
    """Answers the request in the folder that the command line names."""
    folder = pathlib.Path(sys.argv[1])
    try:
        answer: Answer = _answer(load_request(folder))
    except Exception as error:
        trace = traceback.format_exc()
        answer = Failure(type(error).__name__, str(error), trace)
    save_answer(folder, answer)


if __name__ == "__main__":
    main()
