"""PNG files of generated images: in the SavedModel, and their proof."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_vae.types import Tensor
from keras_vae_export.errors import ParityError
from keras_vae_export.reference import Reference

SIGNATURE = "generate_png"
# An intensity beside the middle of two levels may be rounded either way.
MAX_LEVELS = 1
INPUTS_OF = "generate_rows"  # takes the same inputs


def encode(x: Tensor) -> Tensor:
    """Returns PNG files of intensities in [0, 1], clipped to them.

    Args:
        x: Tensor `(N, height, width, channels)`.

    Returns:
        String tensor `(N,)`.
    """
    import tensorflow as tf

    levels = tf.cast(tf.round(255.0 * tf.clip_by_value(x, 0.0, 1.0)), tf.uint8)
    return tf.map_fn(
        tf.io.encode_png,
        levels,
        fn_output_signature=tf.TensorSpec((), tf.string),
    )


def check(path: str, call: Callable[..., Any], reference: Reference) -> int:
    """Compares the images of a file with those of the reference.

    Args:
        path: The file, for the message.
        call: Runs it: what `generate_rows` takes, to PNG files.
        reference: What it must draw.

    Returns:
        The largest difference of a grey level.

    Raises:
        ParityError: if a level is more than one apart.
    """
    import tensorflow as tf

    files = call(**reference.inputs[INPUTS_OF])["image_bytes"]
    x = reference.outputs[INPUTS_OF]["x"]
    expected = np.round(255.0 * np.clip(x, 0.0, 1.0)).astype(int)
    worst = 0
    for number, (file, levels) in enumerate(zip(files, expected, strict=True)):
        found = tf.io.decode_png(file, channels=levels.shape[-1]).numpy()
        apart = int(np.abs(found.astype(int) - levels).max())
        if apart > MAX_LEVELS:
            raise ParityError(
                f"`{path}` does not draw what the model generates: image "
                f"{number} of `{SIGNATURE}` differs by {apart} grey levels."
            )
        worst = max(worst, apart)
    return worst
