"""The check of a version directory, long after it was written."""

import os
import pathlib
from typing import Any, NamedTuple

from keras_vae_export import (
    arguments,
    manifest_reader,
    onnx_file,
    process,
)
from keras_vae_export.requests import CheckRequest


class Verification(NamedTuple):
    """What `check` found.

    Attributes:
        problems: A sentence for each file that is not what it was, or does
            not compute what the model computed; empty if all is well.
        recorded: By file and runtime, the largest difference from the
            model that was measured at the export.
        measured: The same, measured now; empty if a file has changed.
        png_levels: How far apart grey levels of PNG files are now, if the
            model draws any.
    """

    problems: tuple[str, ...]
    recorded: dict[str, dict[str, float]]
    measured: dict[str, dict[str, float]]
    png_levels: int | None


def check(directory: str | os.PathLike) -> Verification:
    """Verifies every hash and every figure of a version directory.

    First each file's SHA-256 is compared with the manifest's. If all are
    right, each file runs in its own runtime on the inputs that were kept at
    the export, and must give what the model gave then.

    A manifest proves that files belong together, not who wrote them: running
    a model is running a program, so check directories of people you trust.

    Args:
        directory: A version directory that `export` wrote.

    Returns:
        A `Verification`.

    Raises:
        FileNotFoundError: if there is no manifest.
        ExportError: if the manifest is not as its schema says or names files
            outside of the directory, or the runtimes cannot be started.
        ImportError: if a library of the extra `export` is missing.

    Example:
    >>> keras_vae_export.check("models/digits/1").problems
    ()
    """
    path = pathlib.Path(directory)
    arguments.check_modules("Checking a version directory", ("jsonschema",))
    content = manifest_reader.load(path)
    recorded = content["parity"]["files"] | _of_variants(content)
    changed = manifest_reader.changes(path, content)
    if changed:
        # What has changed is not run.
        return Verification(tuple(changed), recorded, {}, None)
    arguments.check_installed(_formats(content))
    report = process.check(CheckRequest(os.path.abspath(path)))
    return Verification(
        tuple(report.problems),
        recorded,
        report.differences,
        report.png_levels,
    )


def _of_variants(content: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Returns the recorded differences of variants from the float32 files."""
    return {
        one["file"]: {onnx_file.RUNTIME: one["max_difference"]}
        for figures in content.get("variants", {}).values()
        for one in figures.values()
    }


def _formats(content: dict[str, Any]) -> tuple[str, ...]:
    signatures = content["signatures"].values()
    return tuple({name for one in signatures for name in one["files"]})
