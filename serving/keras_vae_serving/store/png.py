"""PNG files of generated images, as TensorFlow's SavedModel draws them."""

import io

import numpy as np
from PIL import Image

_CHANNELS = (1, 3, 4)  # Grey, RGB, RGB with alpha.


def is_image_shape(shape: tuple[int | None, ...]) -> bool:
    """Whether rows of this shape are images: height, width, channels.

    Args:
        shape: That of a whole batch.
    """
    return len(shape) == 4 and shape[-1] in _CHANNELS and all(shape[1:])


def encode(x: np.ndarray) -> np.ndarray:
    """Returns a PNG file for each image.

    Args:
        x: Array `(N, height, width, channels)` of intensities, which are
            clipped to [0, 1].

    Returns:
        Array `(N,)` of objects of type `bytes`.
    """
    # NaN has no level; TensorFlow draws it black.
    clipped = np.clip(np.nan_to_num(x, nan=0.0), 0.0, 1.0)
    levels = np.round(np.float32(255) * clipped).astype("uint8")
    files = np.empty(len(levels), object)
    for number, image in enumerate(levels):
        files[number] = _file(image)
    return files


def _file(image: np.ndarray) -> bytes:
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
