"""Does the exported decoder answer as the VAE does?"""

import pathlib
import tempfile
from typing import Any

import numpy as np

from keras_vae.models import VAE, conditions
from keras_vae.random import threefry
from keras_vae.testing.failures import check, check_close
from keras_vae.validation import optional_import


def check_export_parity(
    vae: VAE,
    directory: str | None = None,
    num_samples: int = 3,
    seed: int = 7,
    condition: np.ndarray | None = None,
) -> None:
    """Checks that the exported model gives the VAE's own images.

    It exports to ONNX and runs `decode` and `generate` in onnxruntime; the
    means and, from a seed, the latents agree within 1e-5. (The exporter
    compares every form it writes by itself.)

    Args:
        vae: VAE.
        directory: Path to export to, or `None` for a temporary one.
        num_samples: Integer, images to compare. Defaults to `3`.
        seed: Integer for the latents. Defaults to `7`.
        condition: A `ConditionalVAE`'s labels or vectors, of which the
            first is the images' condition.

    Raises:
        AssertionError: with the largest difference.
        ImportError: if the extra `export` is not installed.
    """
    exporter = optional_import(
        "keras_vae_export", "export", "`check_export_parity`"
    )
    runtime = optional_import("onnxruntime", "export", "`check_export_parity`")
    with tempfile.TemporaryDirectory() as folder:
        version = pathlib.Path(
            exporter.export(vae, directory or folder, formats=("onnx",))
        )
        sessions = {}
        for name in ("decode", "generate"):
            path = version / "onnx" / f"{name}.onnx"
            check(path.is_file(), f"`export` must write {path}. It did not.")
            # Closed before the folder is removed, which Windows insists on.
            sessions[name] = runtime.InferenceSession(path.read_bytes())
    given: dict[str, np.ndarray] = {}
    if vae.condition_dim is not None and condition is not None:
        given["condition"] = conditions.for_samples(
            condition[:1], vae.condition_dim, num_samples
        )
    _check_decode(vae, sessions["decode"], num_samples, seed, given)
    _check_generate(vae, sessions["generate"], num_samples, seed, given)


def _check_decode(
    vae: VAE,
    session: Any,
    num_samples: int,
    seed: int,
    given: dict[str, np.ndarray],
) -> None:
    z = threefry.normals(num_samples, vae.latent_dim, seed)
    inputs = {"z": z, **given}
    expected = vae.generator.predict(inputs if given else z, verbose=0)
    _compare("decode.onnx", session.run(None, inputs)[0], expected)


def _check_generate(
    vae: VAE,
    session: Any,
    num_samples: int,
    seed: int,
    given: dict[str, np.ndarray],
) -> None:
    scalars = {
        "num_samples": np.array(num_samples, "int32"),
        "seed": np.array(seed, "int64"),
        "temperature": np.array(1.0, "float32"),
    }
    x, z = session.run(["x", "z"], {**scalars, **given})
    images, latents = vae.generate(
        num_samples,
        seed,
        return_latents=True,
        condition=given.get("condition"),
    )
    _compare("generate.onnx, z", z, latents)
    _compare("generate.onnx, x", x, images)


def _compare(name: str, received: np.ndarray, expected: np.ndarray) -> None:
    check_close(f"`{name}`", received, expected, 1e-5, 1e-5)
