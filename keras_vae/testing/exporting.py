"""Does the exported decoder answer as the VAE does?"""

import pathlib
import tempfile

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
    """Checks that the exported decoder gives the VAE's own images.

    It exports to ONNX and runs the file in onnxruntime; the means agree
    within 1e-5. (The exporter compares every form it writes by itself.)

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
        path = version / "onnx" / "decode.onnx"
        check(path.is_file(), f"`export` must write {path}. It did not.")
        # Closed before the folder is removed, which Windows insists on.
        session = runtime.InferenceSession(path.read_bytes())
    z = threefry.normals(num_samples, vae.latent_dim, seed)
    inputs = {"z": z}
    if vae.condition_dim is not None and condition is not None:
        inputs["condition"] = conditions.for_samples(
            condition[:1], vae.condition_dim, num_samples
        )
    expected = vae.generator.predict(
        inputs if len(inputs) > 1 else z, verbose=0
    )
    _compare(session.run(None, inputs)[0], expected)


def _compare(received: np.ndarray, expected: np.ndarray) -> None:
    check_close("`decode.onnx`", received, expected, 1e-5, 1e-5)
