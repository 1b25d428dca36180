"""Images from an `.npz` file of NumPy arrays."""

import pathlib
import zipfile
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from keras_vae.datasets import images as image_ops
from keras_vae.datasets.source import Examples
from keras_vae.datasets.splits import Part
from keras_vae.types import Shape
from keras_vae.validation import require

_SPLIT_NAMES = ("train", "test", "validation", "valid", "val")
_SINGLE_KEYS = ("x", "images", "data")
_SINGLE_LABEL_KEYS = ("y", "labels", "targets")


class Keys(NamedTuple):
    """The keys of a split's images and of its labels, if it has any."""

    images: str
    labels: str | None


class NpzSource:
    """Images in an `.npz` file.

    Its splits are the keys `x_train`, `x_test`, ... or `train`, `test`, ...,
    with labels under `y_train`, `y_test`, ... A file without such keys is one
    split, `train`: the array `x`, `images` or `data` (its labels `y`,
    `labels` or `targets`), or the only array there is. Arrays have shape
    `(num_examples, height, width)` or `(num_examples, height, width,
    channels)` with 1 or 3 channels. Nothing in the file is unpickled.

    Args:
        path: The file.

    Raises:
        ValueError: if it is no `.npz` file, holds no such array, or labels
            do not match their images.
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._keys = _keys_by_split(path)
        self._loaded: dict[str, np.ndarray] = {}

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of examples of each split."""
        return {name: len(self._images(name)) for name in self._keys}

    @property
    def image_shape(self) -> Shape:
        """Height, width and channels of the first split."""
        return self._images(next(iter(self._keys))).shape[1:]

    @property
    def has_labels(self) -> bool:
        """Whether every split has labels."""
        return all(keys.labels is not None for keys in self._keys.values())

    def read(
        self,
        parts: Sequence[Part],
        image_size: Shape | None,
        with_labels: bool,
    ) -> Examples:
        """Reads ranges of examples, one after the other, in stored order."""
        stacks = []
        for name, start, stop in parts:
            stack = self._images(name)[start:stop]
            if image_size is not None:
                stack = image_ops.resize_all(stack, image_size)
            stacks.append(stack)
        labels = None
        if with_labels:
            labels = np.concatenate([self._labels(*part) for part in parts])
        names = [f"`{self._keys[part.name].images}`" for part in parts]
        return Examples(image_ops.concatenate(stacks, names), labels)

    def _images(self, name: str) -> np.ndarray:
        if name not in self._loaded:
            key = self._keys[name].images
            where = f"`{key}` of {self._path}"
            array = _as_images(_load(self._path, key), where)
            self._loaded[name] = image_ops.canonical(array, where)
        return self._loaded[name]

    def _labels(self, name: str, start: int, stop: int) -> np.ndarray:
        key = self._keys[name].labels or ""
        labels = _load(self._path, key)
        num_images = len(self._images(name))
        require(
            labels.ndim >= 1 and len(labels) == num_images,
            f"`{key}` of {self._path} must hold one label for each of the "
            f"{num_images} images in `{self._keys[name].images}`. "
            f"Received: shape {labels.shape}. Save the file again with as "
            "many labels as images.",
        )
        return labels[start:stop]


def _keys_by_split(path: pathlib.Path) -> dict[str, Keys]:
    """Finds each split's keys among the names of the arrays in the file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
        found = [name.removesuffix(".npy") for name in names]
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ValueError(
            f"`name` must be an `.npz` file that NumPy can read. Received: "
            f"name={str(path)!r} ({error}). Write it with e.g. "
            "`np.savez_compressed(path, x_train=images)`."
        ) from error
    for prefix, label_prefix in (("x_", "y_"), ("", "y_")):
        keys = {
            name: Keys(prefix + name, _first([label_prefix + name], found))
            for name in _SPLIT_NAMES
            if prefix + name in found
        }
        if keys:
            return keys
    single = _first(_SINGLE_KEYS, found)
    if single is None and len(found) == 1:
        single = found[0]
    if single is None:
        raise ValueError(
            f"{path} must hold its images under `x_train` and `x_test`, "
            "`train` and `test`, `x`, `images` or `data`, or as its only "
            f"array. Received: the keys {found}. Write it with e.g. "
            "`np.savez_compressed(path, x_train=images)`."
        )
    return {"train": Keys(single, _first(_SINGLE_LABEL_KEYS, found))}


def _first(candidates: Sequence[str], found: Sequence[str]) -> str | None:
    return next((key for key in candidates if key in found), None)


def _load(path: pathlib.Path, key: str) -> np.ndarray:
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return arrays[key]
    except ValueError as error:  # An array of Python objects.
        raise ValueError(
            f"`{key}` of {path} must be an array of numbers. Received: an "
            f"array that NumPy will not load ({error}). Save it again with "
            'e.g. `np.stack(images).astype("uint8")`.'
        ) from error


def _as_images(array: np.ndarray, where: str) -> np.ndarray:
    """Returns an array of shape (num_examples, height, width, channels)."""
    has_channels = array.ndim == 4 and array.shape[-1] in (1, 3)
    require(
        (array.ndim == 3 or has_channels) and len(array) > 0,
        f"{where} must have shape (num_examples, height, width), or "
        "(num_examples, height, width, channels) with 1 or 3 channels. "
        f"Received: shape {array.shape}. Save it again with e.g. "
        "`images.reshape(-1, 28, 28)`, or with `np.moveaxis(images, 1, -1)` "
        "if its channels come first.",
    )
    return array if has_channels else array[..., None]
