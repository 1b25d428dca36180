"""The proof of a directory: each file runs, and repeats the reference."""

import functools
import pathlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from keras_vae_export import (
    litert_file,
    onnx_file,
    openvino_file,
    parity,
    png,
    saved_model,
    variant_differences,
)
from keras_vae_export.errors import ParityError, step
from keras_vae_export.reference import Reference
from keras_vae_export.signatures import (
    SAVED_MODEL_FILE,
    Signature,
    onnx_path,
    path_of,
)


class Proof:
    """Runs the files of a directory and notes how exact they are.

    Args:
        directory: Holds the files.
        reference: What they must repeat.
    """

    def __init__(self, directory: pathlib.Path, reference: Reference) -> None:
        self.directory = directory
        self.reference = reference
        self.differences: dict[str, dict[str, float]] = {}
        self.batch_sizes: dict[str, list[int]] = {}
        self.png_levels: int | None = None

    def steps(
        self,
        files: dict[str, dict[str, str]],
        signatures: list[Signature],
        variants: dict[str, dict[str, Any]],
    ) -> Iterator[Callable[[], None]]:
        """Yields a proof of each signature in each format and variant.

        Args:
            files: By signature, the file of each format.
            signatures: The signatures.
            variants: By variant and signature, what the manifest says.
        """
        proofs: dict[str, Callable[[Signature], None]] = {
            "tf_saved_model": self.saved_model,
            "onnx": self.onnx,
            "litert": functools.partial(self.other, litert_file),
            "openvino": functools.partial(self.other, openvino_file),
        }
        for signature in signatures:
            for name in files[signature.name]:
                yield functools.partial(proofs[name], signature)
            for name, figures in variants.items():
                if signature.name in figures:
                    limit = figures[signature.name]["limit"]
                    yield functools.partial(
                        self.variant, name, signature, limit
                    )

    def saved_model(self, signature: Signature) -> None:
        """Proves a signature of the SavedModel.

        Raises:
            ExportError: if its inputs and outputs are not the signature's.
            ParityError: if it does not repeat the reference.
        """
        for name in saved_model.names_of(signature):
            call = saved_model.call_of(self._loaded, signature, name)
            if name == png.SIGNATURE:
                self.png_levels = png.check(
                    SAVED_MODEL_FILE, call, self.reference
                )
            else:
                self.compare(
                    SAVED_MODEL_FILE, saved_model.RUNTIME, call, signature
                )

    def onnx(self, signature: Signature) -> None:
        """Proves a signature's ONNX file.

        Raises:
            ExportError: if its inputs and outputs are not the signature's.
            ParityError: if it does not repeat the reference.
        """
        name = onnx_path(signature.name)
        path = self.directory / name
        with step(f"`{name}` could not be loaded"):
            call = onnx_file.load(path, signature)
            smallest = onnx_file.smallest_batch(path)
        self.compare(name, onnx_file.RUNTIME, call, signature, smallest)

    def other(self, file: ModuleType, signature: Signature) -> None:
        """Proves a signature's file of another format.

        Args:
            file: The module of the format.
            signature: What the file computes.

        Raises:
            ExportError: if its inputs and outputs are not the signature's.
            ParityError: if it does not repeat the reference.
        """
        name = path_of(signature.name, file.FORMAT)
        with step(f"`{name}` could not be loaded"):
            call = file.load(self.directory / name, signature)
        self.compare(name, file.RUNTIME, call, signature, file.SMALLEST_BATCH)

    def variant(self, name: str, signature: Signature, limit: float) -> None:
        """Proves a variant of an ONNX file again.

        Raises:
            ExportError: if its inputs and outputs are not the signature's.
            ParityError: if it differs by more than `limit`.
        """
        pair = variant_differences.load(self.directory, name, signature)
        found = variant_differences.compare(pair, self.reference)
        if not found.max_difference <= limit:
            raise ParityError(
                f"`{pair.file}` differs from the float32 file by "
                f"{found.max_difference:.3g}, above the limit of {limit:.3g}."
            )
        figures = self.differences.setdefault(pair.file, {})
        figures[onnx_file.RUNTIME] = found.max_difference

    @functools.cached_property
    def _loaded(self) -> Any:
        with step("The SavedModel could not be loaded"):
            saved_model.check_plain(self.directory)
            return saved_model.load(self.directory)

    def compare(
        self,
        file: str,
        runtime: str,
        call: parity.Call,
        signature: Signature,
        smallest: int = 0,
    ) -> None:
        """Compares what runs a file with the reference.

        Args:
            file: Its path in the directory.
            runtime: The name of what runs it.
            call: Runs it: arrays by name to arrays by name.
            signature: What it computes.
            smallest: The smallest batch that is safe to run.

        Raises:
            ParityError: if it differs too much, or fails.
        """
        sizes = [size for size in parity.BATCH_SIZES if size >= smallest]
        found = parity.check_file(
            file, runtime, call, signature.name, self.reference, sizes
        )
        self.batch_sizes[file] = sizes
        figures = self.differences.setdefault(file, {})
        figures[runtime] = max(found, figures.get(runtime, 0.0))

    def results(self) -> dict[str, Any]:
        """Returns the fields of a `Report` that it measured."""
        return {
            "differences": self.differences,
            "batch_sizes": self.batch_sizes,
            "png_levels": self.png_levels,
        }
