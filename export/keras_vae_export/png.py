"""PNG files of generated images: in the SavedModel, and their proof."""

from collections.abc import Callable
from typing import Any

import numpy as np

from keras_vae.types import Tensor
from keras_vae_export.errors import ParityError

SIGNATURE = "generate_png"
# An intensity beside the middle of two levels may be rounded either way.
_LEVELS_APART = 1


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


def check(
    path: str,
    call: Callable[..., Any],
    inputs: dict[str, np.ndarray],
    x: np.ndarray,
) -> None:
    """Compares the images of a file with those of the live model.

    Args:
        path: The file, for the message.
        call: Runs it: seeds to PNG files.
        inputs: Seeds, and conditions, by name.
        x: What the model generates from them at temperature 1.

    Raises:
        ParityError: if a level is more than one apart.
    """
    import tensorflow as tf

    files = call(**inputs)["image_bytes"]
    expected = np.round(255.0 * np.clip(x, 0.0, 1.0)).astype(int)
    for number, (file, levels) in enumerate(zip(files, expected, strict=True)):
        found = tf.io.decode_png(file, channels=levels.shape[-1]).numpy()
        apart = np.abs(found.astype(int) - levels).max()
        if apart > _LEVELS_APART:
            raise ParityError(
                f"`{path}` does not draw what the model generates: image "
                f"{number} of `{SIGNATURE}` differs by {apart} grey levels. "
                "Nothing was published."
            )
