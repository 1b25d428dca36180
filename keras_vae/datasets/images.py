"""Pixels: which values are allowed, and how images get their size."""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from keras_vae.types import Shape
from keras_vae.validation import optional_import, require


def check_image_size(image_size: Any) -> tuple[int, int] | None:
    """Returns `(height, width)`, or `None` where images keep their size.

    Raises:
        TypeError: if `image_size` is neither `None`, an integer nor a pair.
        ValueError: if a side is below 1.
    """
    if image_size is None:
        return None
    message = (
        "`image_size` must be None, a positive integer or a pair "
        f"(height, width) of them. Received: image_size={image_size!r} of "
        f"type {type(image_size).__name__}. Pass e.g. `image_size=64` or "
        "`image_size=(64, 48)`."
    )
    sides = image_size if isinstance(image_size, (tuple, list)) else None
    sides = [image_size] * 2 if sides is None else sides
    if not all(_is_integer(side) for side in sides):
        raise TypeError(message)
    require(len(sides) == 2 and min(sides) >= 1, message)
    return int(sides[0]), int(sides[1])


def _is_integer(value: Any) -> bool:
    return hasattr(value, "__index__") and not isinstance(value, (bool, str))


def canonical(images: np.ndarray, source: str) -> np.ndarray:
    """Returns pixels as uint8, or as float32 in [0, 1].

    Integers are grey levels 0 to 255 and become uint8. Arrays of booleans,
    and of integers none of which exceeds 1, are black and white and become
    0 and 255. Floats none of which exceeds 1 stay intensities; larger ones
    are grey levels: uint8 where all of them are whole, else divided by 255.

    Args:
        images: Array of numbers.
        source: What holds them, for the message.

    Raises:
        ValueError: if `images` are not numbers, or one is NaN or outside
            [0, 255].
    """
    require(
        images.dtype.kind in "buif",
        f"Pixels must be numbers. Received: dtype {images.dtype} in {source}. "
        'Convert them first, e.g. `images.astype("uint8")`.',
    )
    if images.size == 0:
        return images.astype(np.uint8)
    low, high = images.min(), images.max()
    require(
        bool(low >= 0 and high <= 255),  # False for NaN too
        "Pixels must be numbers from 0 to 255 (or intensities from 0 to 1). "
        f"Received: values from {low} to {high} in {source}. "
        "Rescale them first, e.g. `images = 255 * (images - images.min()) / "
        "(images.max() - images.min())`.",
    )
    if images.dtype.kind != "f":
        levels = images.astype(np.uint8, copy=False)
        return levels if high > 1 else levels * np.uint8(255)
    if high <= 1:
        return images.astype(np.float32, copy=False)
    if np.array_equal(images, np.rint(images)):
        return images.astype(np.uint8)
    return (images / 255.0).astype(np.float32)


def to_intensities(images: np.ndarray) -> np.ndarray:
    """Returns uint8 grey levels over 255, as float32; floats as they are."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return images


def resize(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resizes the shorter side, antialiased, and crops the centre.

    The largest centred rectangle of the target's proportions is resized with
    Pillow's bilinear filter, whose support grows as images shrink. Pillow
    runs on the CPU: every backend gets the same pixels.

    Args:
        image: Array of shape (height, width, channels): uint8, uint16 or
            float32.
        size: The target's height and width.

    Returns:
        Array of shape `size + (channels,)` and of the same dtype.
    """
    if image.shape[:2] == size:
        return image
    pillow = optional_import("PIL.Image", "datasets", "Resizing images")
    height, width = image.shape[:2]
    scale = min(height / size[0], width / size[1])
    top, left = height - size[0] * scale, width - size[1] * scale
    box = (left / 2, top / 2, width - left / 2, height - top / 2)
    channels = [
        pillow.fromarray(np.ascontiguousarray(image[..., channel])).resize(
            size[::-1], pillow.Resampling.BILINEAR, box=box
        )
        for channel in range(image.shape[-1])
    ]
    resized = np.stack([np.asarray(channel) for channel in channels], axis=-1)
    # Rounding may carry floats a little beyond what was there.
    return resized.clip(image.min(), image.max())


def resize_all(
    images: Iterable[np.ndarray], size: tuple[int, int]
) -> np.ndarray:
    """Resizes each image, several at a time, into one array."""
    with ThreadPoolExecutor() as pool:
        return np.stack(list(pool.map(lambda x: resize(x, size), images)))


def stack(images: Iterable[np.ndarray], names: Sequence[str]) -> np.ndarray:
    """Puts images of one shape into one array.

    Args:
        images: Arrays of shape (height, width, channels), as many as `names`.
        names: What to call each image, for the message.

    Raises:
        ValueError: if two differ in shape; the message names both.
    """
    stacked = np.empty((0,))
    for position, (image, name) in enumerate(zip(images, names, strict=True)):
        if position == 0:
            stacked = np.empty((len(names), *image.shape), image.dtype)
        check_one_shape(names[0], stacked.shape[1:], name, image.shape)
        stacked[position] = image
    return stacked


def concatenate(
    stacks: Sequence[np.ndarray], names: Sequence[str]
) -> np.ndarray:
    """Joins stacks of images; grey levels meet floats as intensities."""
    for name, images in zip(names, stacks, strict=True):
        check_one_shape(names[0], stacks[0].shape[1:], name, images.shape[1:])
    if len({images.dtype for images in stacks}) > 1:
        stacks = [to_intensities(images) for images in stacks]
    return np.concatenate(stacks) if len(stacks) > 1 else stacks[0]


def check_one_shape(
    first_name: str, first: Shape, name: str, shape: Shape
) -> None:
    """Raises a `ValueError` naming two images that differ in shape."""
    require(
        shape == first,
        "All images must have one size, unless `image_size` is given, and as "
        f"many channels. Received: {first_name} of {_size_text(first)} and "
        f"{name} of {_size_text(shape)}. "
        f"Pass e.g. `image_size={min(first[:2])}`.",
    )


def _size_text(shape: Shape) -> str:
    height, width, channels = shape
    return f"height {height}, width {width}, {channels} channel(s)"
