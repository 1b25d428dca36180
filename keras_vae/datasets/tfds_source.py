"""Images from TensorFlow Datasets (TFDS), `digits` among them."""

import itertools
import os
from collections.abc import Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any

import keras
import numpy as np

from keras_vae.datasets import images as image_ops
from keras_vae.datasets import tfds_builders
from keras_vae.datasets.source import Examples
from keras_vae.datasets.splits import Part
from keras_vae.types import Shape
from keras_vae.validation import optional_import, require

_CHUNK = 512


class TFDSSource:
    """Images of a dataset of TensorFlow Datasets.

    The dataset is downloaded and prepared unless `data_dir` holds it; `digits`
    and `patches` are generated. The images are the feature `image`, or the
    only image feature there is; the labels are the feature `label`, or the
    only class label.

    Args:
        name: What `tfds.builder` takes: `mnist`, `mnist:3.0.1`, `a/config`.
        data_dir: Where datasets lie. Defaults to `$TFDS_DATA_DIR`, then to
            TFDS's own `~/tensorflow_datasets`.

    Raises:
        ImportError: if TensorFlow Datasets or TensorFlow is missing.
        ValueError: if TFDS has no such dataset, the dataset has no images, or
            it would have to be written where nothing may be written.
    """

    def __init__(self, name: str, data_dir: str | None) -> None:
        self._tfds = _import_tfds(name)
        data_dir = data_dir or os.environ.get("TFDS_DATA_DIR")
        data_dir = data_dir and os.path.expanduser(data_dir)
        builder = tfds_builders.find(self._tfds, name, data_dir)
        self._name = name
        self._features = _features(self._tfds, builder)
        self._image_key = _image_key(self._tfds, name, self._features)
        self._label_key = _label_key(self._tfds, self._features)
        self._builder = tfds_builders.prepare(self._tfds, builder)

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of examples of each split."""
        splits = self._builder.info.splits
        return {str(key): splits[key].num_examples for key in splits}

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        """Height, width and channels; None for a side that varies."""
        return tuple(self._features[self._image_key].shape)

    @property
    def has_labels(self) -> bool:
        """Whether every example has a label."""
        return self._label_key is not None

    def read(
        self,
        parts: Sequence[Part],
        image_size: Shape | None,
        with_labels: bool,
    ) -> Examples:
        """Reads ranges of examples, one after the other, in stored order."""
        num_examples = sum(part.stop - part.start for part in parts)
        images = np.empty((0, 0, 0, 0), np.uint8)
        labels = np.empty(num_examples if with_labels else 0, np.int64)
        start = 0
        for chunk in self._chunks(parts, with_labels):
            pixels = _resized(chunk[self._image_key], image_size, start)
            if start == 0:
                images = np.empty(
                    (num_examples, *pixels.shape[1:]), pixels.dtype
                )
            image_ops.check_one_shape(
                "example 0",
                images.shape[1:],
                f"example {start}",
                pixels.shape[1:],
            )
            stop = start + len(pixels)
            images[start:stop] = pixels
            if with_labels:
                labels[start:stop] = chunk[str(self._label_key)]
            start = stop
        images = image_ops.canonical(images, f"{self._name!r}")
        return Examples(images, labels if with_labels else None)

    def _chunks(
        self, parts: Sequence[Part], with_labels: bool
    ) -> Iterator[dict[str, Any]]:
        """Yields up to `_CHUNK` examples at a time, decoded in parallel."""
        tfds = self._tfds
        wanted = [self._image_key]
        if with_labels:
            wanted.append(str(self._label_key))
        # Rather than `PartialDecoding`, which logs a warning of TFDS's own.
        skipped = {
            key: tfds.decode.SkipDecoding()
            for key, feature in self._features.items()
            if key not in wanted and isinstance(feature, tfds.features.Image)
        }
        dataset = self._builder.as_dataset(
            split=_instruction(tfds, parts),
            decoders=skipped,
            # One file after the other, so that a slice's examples are those
            # of the whole split, in the same order.
            read_config=tfds.ReadConfig(
                interleave_cycle_length=1, try_autocache=False
            ),
        )
        dataset = dataset.map(lambda each: {key: each[key] for key in wanted})
        if None not in self.image_shape:
            yield from tfds.as_numpy(dataset.batch(_CHUNK))
            return
        examples = iter(tfds.as_numpy(dataset))
        while chunk := list(itertools.islice(examples, _CHUNK)):
            yield {key: [each[key] for each in chunk] for key in wanted}


def _import_tfds(name: str) -> ModuleType:
    """Imports TFDS, and TensorFlow without the GPUs of another backend."""
    purpose = (
        f"{name!r}, taken for a dataset of TensorFlow Datasets because it is "
        "no existing path,"
    )
    # TFDS requires `importlib_resources` without saying so.
    for module in ("tensorflow", "importlib_resources", "tensorflow_datasets"):
        optional_import(module, "datasets", purpose)
    if keras.backend.backend() != "tensorflow":
        tensorflow = optional_import("tensorflow", "datasets", purpose)
        try:
            tensorflow.config.set_visible_devices([], "GPU")
        except RuntimeError:  # TensorFlow already runs: too late to choose.
            pass
    return optional_import("tensorflow_datasets", "datasets", purpose)


def _features(tfds: ModuleType, builder: Any) -> dict[str, Any]:
    features = builder.info.features
    is_flat = isinstance(features, tfds.features.FeaturesDict)
    return dict(features.items()) if is_flat else {}


def _image_key(tfds: ModuleType, name: str, features: dict[str, Any]) -> str:
    keys = [
        key
        for key, feature in features.items()
        if isinstance(feature, tfds.features.Image)
        and feature.shape[-1] in (1, 3)
    ]
    require(
        "image" in keys or len(keys) == 1,
        "`name` must be a dataset with an image feature of 1 or 3 channels: "
        "`image`, or the only one there is. Received: "
        f"name={name!r} with the features {list(features)}, of which "
        f"{keys} are such images. Save the images you want to an `.npz` file "
        'and pass its path, e.g. `load("images.npz", "train")`.',
    )
    return "image" if "image" in keys else keys[0]


def _label_key(tfds: ModuleType, features: dict[str, Any]) -> str | None:
    keys = [
        key
        for key, feature in features.items()
        if isinstance(feature, tfds.features.ClassLabel)
    ]
    if "label" in keys:
        return "label"
    return keys[0] if len(keys) == 1 else None


def _instruction(tfds: ModuleType, parts: Sequence[Part]) -> Any:
    instructions = [
        tfds.core.ReadInstruction(part.name, from_=part.start, to=part.stop)
        for part in parts
    ]
    total = instructions[0]
    for instruction in instructions[1:]:
        total = total + instruction
    return total


def _resized(images: Any, image_size: Shape | None, start: int) -> np.ndarray:
    """Returns a chunk of images as one array, from example `start` on."""
    if image_size is not None:
        pixels = image_ops.resize_all(images, image_size)
    elif isinstance(images, list):
        names = [f"example {start + offset}" for offset in range(len(images))]
        pixels = image_ops.stack(images, names)
    else:
        pixels = images
    if pixels.dtype == np.uint16:
        return (pixels / 65535.0).astype(np.float32)
    return pixels
