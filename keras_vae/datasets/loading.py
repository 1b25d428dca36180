"""Loading images by name or path: the package's front door."""

import os
import pathlib
from typing import Any, NamedTuple

from keras_vae.datasets import binarize as binarization
from keras_vae.datasets import images as image_ops
from keras_vae.datasets import splits, tfds_source
from keras_vae.datasets.dynamic import DynamicBinarization
from keras_vae.datasets.folder import FolderSource
from keras_vae.datasets.npz import NpzSource
from keras_vae.datasets.source import Source
from keras_vae.validation import positive_int, require

_TEST_NAMES = ("test", "validation", "valid", "val")


class DatasetInfo(NamedTuple):
    """What a dataset holds.

    Attributes:
        name: The name or path it was asked for by.
        splits: Number of examples of each split.
        image_shape: Height, width and channels; None for a side that varies.
            A folder's is its first image's.
        has_labels: Whether every example has a label.
    """

    name: str
    splits: dict[str, int]
    image_shape: tuple[int | None, ...]
    has_labels: bool


def load(
    name: str | os.PathLike[str],
    split: str,
    data_dir: str | os.PathLike[str] | None = None,
    image_size: int | tuple[int, int] | None = None,
    binarize: str | None = None,
    *,
    seed: int = 0,
    batch_size: int = 128,
    shuffle: bool = True,
    with_labels: bool = False,
) -> Any:
    """Loads a split of a dataset of images.

    Args:
        name: `"digits"` (UCI digits, 8x8) or `"patches"` (of photographs,
            64x64x3), neither of them downloaded; a dataset of TensorFlow
            Datasets (`"mnist"`), or the path of an `.npz` file or, with a
            separator in it (`"./photos"`), of a folder of images.
        split: `"train"`, a slice `"train[:1000]"` or `"train[90%:]"`, or
            several joined by `+`, in stored order.
        data_dir: Where TensorFlow Datasets lie. Defaults to the environment
            variable `TFDS_DATA_DIR`, then to `~/tensorflow_datasets`.
        image_size: Integer or `(height, width)`: the shorter side is resized
            to it, antialiased, and the centre cropped. None keeps the size.
        binarize: None for intensities; `"threshold"`: 1 above one half;
            `"static"`: each pixel drawn once, 1 with probability equal to its
            intensity; `"dynamic"`: drawn afresh each epoch.
        seed: Integer, the seed of the draws and of the dynamic order.
        batch_size: Integer, of the dynamic dataset.
        shuffle: Boolean, whether the dynamic dataset shuffles each epoch.
        with_labels: Boolean, whether to return labels too.

    Returns:
        float32 array `(num_examples, height, width, channels)` in [0, 1], or
        a `DynamicBinarization`. With labels, `(x, y)`, or one that yields it.

    Raises:
        ImportError: if a package of the extra `datasets` is missing.
        TypeError: if an argument is of the wrong type.
        ValueError: if there is no such dataset, split or usable image.
    """
    _check(split, binarize, seed, batch_size)
    size = image_ops.check_image_size(image_size)
    source = _open(name, data_dir)
    parts = splits.resolve(split, source.sizes)
    _check_labels(with_labels, source, str(name))
    images, labels = source.read(parts, size, with_labels)
    if binarize == "dynamic":
        return DynamicBinarization(images, batch_size, shuffle, seed, labels)
    x = binarization.apply(images, binarize, seed)
    return (x, labels) if with_labels else x


def info(
    name: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
) -> DatasetInfo:
    """Tells what a dataset holds; prepares it as `load` does.

    Args:
        name: As for `load`.
        data_dir: As for `load`.
    """
    source = _open(name, data_dir)
    return DatasetInfo(
        str(name), dict(source.sizes), source.image_shape, source.has_labels
    )


def default_splits(
    name: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None = None,
) -> tuple[str, str]:
    """Names the splits to train and to test on.

    Those are `train`, or the largest split, and `test`, else the validation
    split; where there is neither, the last tenth of the training split is
    held out: `("train[:90%]", "train[90%:]")`.

    Args:
        name: As for `load`.
        data_dir: As for `load`.
    """
    sizes = _open(name, data_dir).sizes
    largest = max(sizes, key=lambda key: sizes[key])
    train = "train" if "train" in sizes else largest
    for test in _TEST_NAMES:
        if test in sizes and test != train:
            return train, test
    return f"{train}[:90%]", f"{train}[90%:]"


def _check(split: str, binarize: Any, seed: Any, batch_size: Any) -> None:
    """Checks what can be checked before any data are looked for."""
    splits.check(split)
    binarization.check_mode(binarize)
    binarization.check_seed(seed)
    positive_int("batch_size", batch_size, "Pass e.g. `batch_size=128`.")


def _check_labels(with_labels: bool, source: Source, name: str) -> None:
    require(
        source.has_labels or not with_labels,
        "`with_labels` must be False for a dataset without labels. Received: "
        f"with_labels={with_labels!r} for name={name!r}. "
        f'Pass e.g. `load({name!r}, "train")`.',
    )


def _open(
    name: str | os.PathLike[str], data_dir: str | os.PathLike[str] | None
) -> Source:
    """Finds out what kind of data a name or path stands for."""
    text, is_path = str(name), not isinstance(name, str)
    if not isinstance(name, (str, os.PathLike)) or not text:
        raise TypeError(
            "`name` must be a dataset's name or a path. Received: "
            f"name={name!r} of type {type(name).__name__}. "
            'Pass e.g. `load("digits", "train")`.'
        )
    path = pathlib.Path(text).expanduser()
    has_separator = any(mark in text for mark in {"/", os.sep})
    if path.suffix == ".npz" and path.is_file():
        return NpzSource(path)
    if path.is_dir() and (is_path or has_separator or text.startswith("~")):
        return FolderSource(path)
    is_path = is_path or path.is_absolute() or text.startswith((".", "~"))
    require(
        not is_path and path.suffix != ".npz",
        "`name` must be the path of a folder of images or of an `.npz` file, "
        f"or a dataset's name. Received: name={text!r}, which is neither an "
        'existing folder nor such a file. Pass e.g. `load("./photos", '
        '"train")`.',
    )
    directory = None if data_dir is None else os.fspath(data_dir)
    return tfds_source.TFDSSource(text, directory)
