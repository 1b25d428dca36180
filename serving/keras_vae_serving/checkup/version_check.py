"""Loads one version in both servers' runtimes, and runs every signature."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import numpy as np

from keras_vae_serving.checkup import (
    agreement,
    examples,
    saved_model,
    warmup,
)
from keras_vae_serving.checkup.examples import Arrays, Examples
from keras_vae_serving.checkup.layout import SAVED_MODEL
from keras_vae_serving.checkup.report import VersionReport
from keras_vae_serving.servable import DEFAULT_SIGNATURE, Signature
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import manifest, onnx_servable, version_files

_DEFAULT = "decode"  # What `serving_default` is.
_PNG, _PNG_SOURCE = "generate_png", "generate_rows"


def check(report: VersionReport, name: str, with_tensorflow: bool) -> None:
    """Checks a version, and writes what it finds to its report.

    Args:
        report: Of the version; says where it is.
        name: The model's name.
        with_tensorflow: Whether TensorFlow is installed.
    """
    _Check(report, name).run(with_tensorflow)


class _Check:
    def __init__(self, report: VersionReport, name: str) -> None:
        self._report = report
        self._directory = report.path
        self._name = name
        self._examples: Examples = {}

    def run(self, with_tensorflow: bool) -> None:
        content = self._manifest()
        files = content.get("files")
        files = files if isinstance(files, dict) else {}
        self._check_files(files)
        self._read_reference(content)
        here = self._run_here()
        there: dict[str, Arrays] = {}
        if not (self._directory / SAVED_MODEL).is_file():
            self._tell_of_no_saved_model(SAVED_MODEL in files)
        elif with_tensorflow:
            there = self._run_in_tensorflow(here)
        self._compare(here, there)

    def _manifest(self) -> Mapping[str, Any]:
        """What the manifest holds; nothing if it is not as it should be.

        This server's own reader checks it again, and more strictly.
        """
        try:
            content = json.loads(manifest.read_bytes(self._directory))
        except (ServingError, OSError, ValueError, RecursionError):
            return {}
        return content if isinstance(content, dict) else {}

    def _check_files(self, files: Mapping[str, Any]) -> None:
        """Compares every file with its hash, also those of the SavedModel."""
        for path, entry in files.items():
            expected = entry.get("sha256") if isinstance(entry, dict) else None
            if not version_files.is_inside(path):
                continue  # This server's reader tells of it.
            try:
                with version_files.open_file(self._directory, path) as file:
                    found = _sha256(file)
            except (ServingError, OSError) as error:
                self._problem(str(error))
                continue
            if found != expected:
                self._problem(
                    f"`{path}` is not what was exported: its SHA-256 differs "
                    "from the manifest's. Copy or export the version again."
                )

    def _read_reference(self, content: Mapping[str, Any]) -> None:
        """Reads inputs and outputs of the export, if it left them there."""
        path: Any = content
        for key in ("parity", "reference", "file"):
            path = path.get(key) if isinstance(path, dict) else None
        if not isinstance(path, str) or not version_files.is_inside(path):
            return
        if not (self._directory / path).is_file():
            return  # The check of the files tells of it.
        try:
            with version_files.open_file(self._directory, path) as file:
                self._examples = examples.read(file)
        except (ServingError, ValueError) as error:
            self._problem(f"`{path}` cannot be read: {error}")

    def _run_here(self) -> dict[str, Arrays]:
        """Loads the version as the server does, and runs it."""
        number = self._report.version or 1
        try:
            servable = onnx_servable.load(self._directory, self._name, number)
        except ServingError as error:
            self._tell_of_refusal(error)
            return {}
        outputs = {}
        for name, signature in servable.signatures.items():
            try:
                outputs[name] = servable.run(
                    name, self._inputs(name, signature)
                )
            except ServingError as error:
                self._problem(f"`{name}` fails in this server: {error}")
                continue
            self._report.here.append(name)
        servable.close()
        return outputs

    def _tell_of_refusal(self, error: ServingError) -> None:
        no_onnx = error.code is Code.FAILED_PRECONDITION
        if no_onnx and (self._directory / SAVED_MODEL).is_file():
            self._report.notes.append(str(error))
        else:
            self._problem(f"This server could not load it. {error}")

    def _inputs(self, name: str, signature: Signature) -> Arrays:
        """The inputs that the export left if it left all, else others."""
        found, _ = self._example(name)
        tensors = {
            key: (one.dtype.numpy or np.dtype("float32"), one.shape or ())
            for key, one in signature.inputs.items()
        }
        return (
            found if examples.fits(found, tensors) else examples.make(tensors)
        )

    def _example(self, signature: str) -> tuple[Arrays, Arrays]:
        if signature == DEFAULT_SIGNATURE:
            signature = _DEFAULT
        if signature == _PNG:  # Its outputs are files, which differ.
            return self._examples.get(_PNG_SOURCE, ({}, {}))[0], {}
        return self._examples.get(signature, ({}, {}))

    def _tell_of_no_saved_model(self, was_exported: bool) -> None:
        missing = f"TensorFlow Serving could not load it: no `{SAVED_MODEL}`."
        if was_exported:
            self._problem(f"{missing} Copy or export the version again.")
        else:
            self._report.notes.append(
                f"{missing} It was exported without `--format tf_saved_model`."
            )

    def _run_in_tensorflow(
        self, here: Mapping[str, Arrays]
    ) -> dict[str, Arrays]:
        names = {*self._examples, *here, DEFAULT_SIGNATURE, _PNG}
        inputs = {name: self._example(name)[0] for name in names}
        answer = saved_model.run(self._directory, inputs)
        self._report.tensorflow = sorted(answer.signatures)
        if answer.problem:
            self._problem(f"TensorFlow could not load it: {answer.problem}")
            return {}
        for name, error in answer.errors.items():
            self._problem(f"`{name}` fails in TensorFlow: {error}")
        if not answer.signatures:
            self._problem("The SavedModel has no signature that runs.")
        self._check_warmup(answer.signatures)
        return answer.outputs

    def _check_warmup(self, signatures: Mapping[str, list[str]]) -> None:
        path = self._directory / warmup.FILE
        if not path.is_file():
            self._report.notes.append(
                f"There is no `{warmup.FILE}`: TensorFlow Serving's first "
                "answers will be slow."
            )
            return
        content = path.read_bytes()
        found = warmup.problems(content, signatures)
        self._report.problems += found
        scalars = [] if found else warmup.unbatchable(content)
        if scalars:
            self._problem(
                f"TensorFlow Serving with `--enable_batching` could not load "
                f"it: `{warmup.FILE}` holds requests of {', '.join(scalars)}, "
                "whose inputs are scalars. Export the version again, or pass "
                "`--enable_model_warmup=false`."
            )

    def _compare(
        self, here: Mapping[str, Arrays], there: Mapping[str, Arrays]
    ) -> None:
        for name, outputs in here.items():
            expected = self._example(name)[1]
            self._tell_of_difference(
                name, "this server", "the export", outputs, expected
            )
            if name in there:
                self._tell_of_difference(
                    name, "this server", "TensorFlow", outputs, there[name]
                )
        for name, outputs in there.items():
            expected = self._example(name)[1]
            self._tell_of_difference(
                name, "TensorFlow", "the export", outputs, expected
            )

    def _tell_of_difference(
        self,
        signature: str,
        one: str,
        other: str,
        found: Arrays,
        wanted: Arrays,
    ) -> None:
        for name, value in agreement.differences(found, wanted).items():
            self._report.differs_by(value)
            if not value <= agreement.TOLERANCE:
                self._problem(
                    f"`{name}` of `{signature}` differs by {value:.3g} between "
                    f"{one} and {other}, above the limit of "
                    f"{agreement.TOLERANCE:g}. Export the version again."
                )

    def _problem(self, text: str) -> None:
        self._report.problems.append(text)


def _sha256(file: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := file.read(2**20):
        digest.update(block)
    return digest.hexdigest()
