"""The manifest of a version directory: what it holds, and how exact it is."""

import hashlib
import json
import pathlib
from collections.abc import Iterable
from typing import Any

import keras
import numpy as np

from keras_vae.version import __version__
from keras_vae_export import onnx_file, parity, png, saved_model
from keras_vae_export.manifest_reader import FILE, check_schema
from keras_vae_export.reference import REFERENCE_FILE, SEED, Reference
from keras_vae_export.requests import Report
from keras_vae_export.signatures import (
    Signature,
    TensorSpec,
    files_of,
    signatures_of,
)

FORMAT_VERSION = 1


def build(
    final: pathlib.Path,
    directory: pathlib.Path,
    formats: tuple[str, ...],
    vae: Any,
    exact: bool,
    reference: Reference,
    report: Report,
) -> dict[str, Any]:
    """Describes an export.

    Args:
        final: The version directory to be, `.../name/version`.
        directory: Holds the files by now.
        formats: The formats that were written.
        vae: The live VAE.
        exact: Whether it computes in full float32.
        reference: What the files were compared with.
        report: What the comparison gave.

    Returns:
        What `manifest.json` holds.
    """
    signatures = {
        name: one
        for name, one in signatures_of(vae).items()
        if files_of(name, formats)
    }
    return {
        "format_version": FORMAT_VERSION,
        "name": final.parent.name,
        "version": int(final.name),
        "model": {"class_name": type(vae).__name__, "name": vae.name},
        "latent_dim": vae.latent_dim,
        "event_shape": list(vae.event_shape),
        "dtypes": _dtypes(signatures.values()),
        "likelihood": _part(vae.likelihood),
        "prior": _part(vae.prior),
        "signatures": {
            key: _signature(signature, formats)
            for key, signature in signatures.items()
        },
        "rng": _rng(vae.prior),
        "parity": _parity(exact, reference, report),
        "variants": report.variants,
        "opset": onnx_file.OPSET if "onnx" in formats else None,
        "versions": _versions(report),
        "files": file_hashes(directory),
    }


def write(directory: pathlib.Path, content: dict[str, Any]) -> None:
    """Writes `manifest.json` to a version directory, checked.

    Raises:
        ExportError: if it does not follow its own schema.
    """
    check_schema(directory / FILE, content)
    text = json.dumps(content, indent=2, allow_nan=False) + "\n"
    (directory / FILE).write_text(text, encoding="utf-8")


def file_hashes(
    directory: pathlib.Path, pattern: str = "*"
) -> dict[str, dict[str, Any]]:
    """Returns the SHA-256 and the size of every file but the manifest.

    Args:
        directory: Holds the files.
        pattern: Glob of the files' names. Defaults to all.
    """
    paths = sorted(path for path in directory.rglob(pattern) if path.is_file())
    hashes = {}
    for path in paths:
        name = path.relative_to(directory).as_posix()
        if name != FILE:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            hashes[name] = {"sha256": digest, "size": path.stat().st_size}
    return hashes


def _dtypes(signatures: Iterable[Signature]) -> dict[str, str]:
    specs = [
        spec
        for signature in signatures
        for spec in (*signature.inputs, *signature.outputs)
    ]
    return {spec.name: spec.dtype for spec in specs}


def _part(part: keras.layers.Layer) -> dict[str, Any]:
    """Describes a prior or a likelihood: what it takes to make it again."""
    config = keras.saving.serialize_keras_object(part)
    return {
        "class_name": config["class_name"],
        "registered_name": config["registered_name"],
        "config": config["config"],
    }


def _signature(
    signature: Signature, formats: tuple[str, ...]
) -> dict[str, Any]:
    names = saved_model.names_of(signature)
    return {
        "inputs": [_spec(spec) for spec in signature.inputs],
        "outputs": [_spec(spec) for spec in signature.outputs],
        "files": files_of(signature.name, formats),
        "saved_model_names": names if "tf_saved_model" in formats else [],
    }


def _spec(spec: TensorSpec) -> dict[str, Any]:
    return {**spec._asdict(), "shape": list(spec.shape)}


def _rng(prior: Any) -> dict[str, Any]:
    """Describes the seeded stream that turns a seed into latents."""
    return {
        "algorithm": "threefry2x32",
        "rounds": 20,
        "key": "low and high 32 bits of the int64 seed, two's complement",
        "counter": "low and high 32 bits of the uint64 block number",
        "normals_per_sample": int(prior.num_normals),
        "normals": {
            "first_block": "0",
            "blocks_per_sample": (int(prior.num_normals) + 1) // 2,
            "transform": "box_muller",
            "dtype": "float64, cast to float32, times float32 temperature",
        },
        "uniforms_per_sample": int(prior.num_uniforms),
        "uniforms": {
            "first_block": str(2**63),
            "blocks_per_sample": (int(prior.num_uniforms) + 1) // 2,
            "dtype": "uint32",
        },
    }


def _parity(
    exact: bool, reference: Reference, report: Report
) -> dict[str, Any]:
    """Says what was compared with what, and how much it differs."""
    return {
        "measure": "max |value - reference| of every output, over inputs "
        "from the seeded stream",
        "tolerance": parity.TOLERANCE,
        "limits": parity.limits(reference),
        "seed": SEED,
        "batch_sizes": report.batch_sizes,
        "reference": {
            "backend": keras.backend.backend(),
            "exact": exact,
            "file": REFERENCE_FILE,
            "max_abs_difference": report.model_difference,
        },
        "files": report.differences,
        "png_levels": _png_levels(report),
    }


def _png_levels(report: Report) -> dict[str, int] | None:
    """Says how far apart the grey levels of PNG files are, if there are any."""
    if report.png_levels is None:
        return None
    return {"max_difference": report.png_levels, "limit": png.MAX_LEVELS}


def _versions(report: Report) -> dict[str, str]:
    return {
        "keras_vae": __version__,
        "keras": keras.__version__,
        "numpy": np.__version__,
        **report.versions,
    }
