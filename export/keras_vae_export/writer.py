"""Writes the files of an export, and proves each of them."""

import contextlib
import pathlib
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from keras_vae_export import (
    litert_file,
    onnx_file,
    openvino_file,
    saved_model,
    variant_report,
    warmup,
)
from keras_vae_export.errors import step
from keras_vae_export.functions import forms_of
from keras_vae_export.proof import Proof
from keras_vae_export.reference import Reference
from keras_vae_export.requests import Request
from keras_vae_export.signatures import (
    Signature,
    in_format,
    onnx_path,
    path_of,
    signatures_of,
)
from keras_vae_export.tensorflow_functions import function_of
from keras_vae_export.unrolled import unrolled
from keras_vae_export.variants import (
    make_variant,
    variant_path,
    variants_of,
)

_OTHERS = (litert_file, openvino_file)


class Writer:
    """Writes a model's files to a directory and notes how exact they are.

    Args:
        vae: The VAE, in float32, its prior frozen.
        name: The name that it is served under.
        directory: Where the files go.
        reference: What they must repeat.
    """

    def __init__(
        self,
        vae: Any,
        name: str,
        directory: pathlib.Path,
        reference: Reference,
    ) -> None:
        self.vae = vae
        self.signatures = signatures_of(vae)
        self.forms = forms_of(vae)
        self.name = name
        self.directory = directory
        self.proof = Proof(directory, reference)
        self.variants: dict[str, dict[str, Any]] = {}

    def write(self, request: Request) -> None:
        """Writes and proves what is asked for.

        Raises:
            ExportError: if a file cannot be written.
            ParityError: if a file does not repeat the reference.
        """
        chosen = {
            name: one
            for name, one in self.signatures.items()
            if name in request.signatures
        }
        if "tf_saved_model" in request.formats:
            self._write_saved_model([*chosen.values()])
        if "onnx" in request.formats:
            for signature in in_format(chosen, "onnx").values():
                core = self._write_onnx(signature)
                for variant in variants_of(signature.name, request.variants):
                    limit = request.max_difference
                    self._write_variant(variant, signature, core, limit)
        for module in others(request.formats):
            for signature in in_format(chosen, module.FORMAT).values():
                self._write_other(module, signature)

    def _write_saved_model(self, signatures: list[Signature]) -> None:
        """Writes and proves the SavedModel."""
        with step("The SavedModel could not be written"):
            functions = {
                one.name: function_of(one, self.forms) for one in signatures
            }
            saved_model.write(self.directory, signatures, functions)
            warmup.write(
                self.directory, self.name, signatures, self.proof.reference
            )
        for signature in signatures:
            self.proof.saved_model(signature)

    def _write_onnx(self, signature: Signature) -> Any:
        """Writes and proves a signature's ONNX file, and returns its core."""
        name = onnx_path(signature.name)
        path = self.directory / name
        form = self.forms[signature.name]
        with step(f"`{name}` could not be written"):
            core = onnx_file.write(path, signature, form)
        self.proof.onnx(signature)
        return core

    def _write_variant(
        self, name: str, signature: Signature, core: Any, limit: float
    ) -> None:
        """Writes, proves and measures a variant of an ONNX file."""
        file = variant_path(name, signature.name)
        path, form = self.directory / file, self.forms[signature.name]
        with step(f"`{file}` could not be written"):
            variant = make_variant(name, signature.name, core)
            onnx_file.write_core(path, file, variant.core, signature, form)
        figures = self.variants.setdefault(name, {})
        figures[signature.name] = variant_report.measure(
            self.directory,
            name,
            variant,
            signature,
            self.proof.reference,
            limit,
        )

    def _write_other(self, file: ModuleType, signature: Signature) -> None:
        """Writes and proves a signature's file of another format."""
        name = path_of(signature.name, file.FORMAT)
        path = self.directory / name
        loops = contextlib.nullcontext() if file.LOOPS else unrolled(self.vae)
        with step(f"`{name}` could not be written"), loops:
            file.write(path, signature, self.forms[signature.name])
        self.proof.other(file, signature)


def others(formats: Iterable[str]) -> list[ModuleType]:
    """Returns the modules of those formats that are further targets."""
    return [module for module in _OTHERS if module.FORMAT in formats]
