"""The UCI digits as a dataset of TensorFlow Datasets.

Import this module inside functions only: importing it loads TFDS and registers
`digits` there, after which `tfds.load("digits")` works too.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

from keras_vae.datasets.generated_builder import GeneratedBuilder
from keras_vae.validation import optional_import

_DESCRIPTION = """
Images of 1,797 handwritten digits, 8 by 8 pixels: the part of the UCI data set
"Optical Recognition of Handwritten Digits" that comes with scikit-learn.
Nothing is downloaded.

The pixel values v = 0..16 become floor((255 v + 8) / 16), which is 255 v / 16
rounded to the nearest integer (a half up): 0 stays 0 and 16 becomes 255.

The split is stratified and fixed: with the images sorted by digit, and within
a digit by their place in scikit-learn, every fifth from the first on is in
`test` (360 images), the others are in `train` (1,437). The same people wrote
both parts.
"""

_CITATION = """
@misc{alpaydin1998optdigits,
  author = {Alpaydin, E. and Kaynak, C.},
  title = {Optical Recognition of Handwritten Digits},
  year = {1998},
  howpublished = {UCI Machine Learning Repository},
  doi = {10.24432/C50P49}
}
"""


class Digits(GeneratedBuilder):
    """UCI digits: `image` uint8 (8, 8, 1) and `label`, 0 to 9.

    Source: Alpaydin & Kaynak, 1998, https://doi.org/10.24432/C50P49.

    Example:
    >>> builder = Digits(data_dir="~/tensorflow_datasets")
    >>> builder.download_and_prepare()
    >>> builder.as_dataset(split="train")
    """

    SPLIT_SIZES = {"train": 1437, "test": 360}
    DESCRIPTION = _DESCRIPTION
    CITATION = _CITATION
    HOMEPAGE = (
        "https://archive.ics.uci.edu/dataset/80/"
        "optical+recognition+of+handwritten+digits"
    )

    def _features(self) -> dict[str, Any]:
        return {
            "image": tfds.features.Image(shape=(8, 8, 1)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }

    def _generate_examples(
        self, split: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        images, labels = read_digits()
        by_label = np.argsort(labels, kind="stable")
        is_test = np.arange(len(labels)) % 5 == 0
        chosen = is_test if split == "test" else ~is_test
        for index in by_label[chosen].tolist():
            example = {"image": images[index], "label": int(labels[index])}
            yield f"{index:04d}", example


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Returns scikit-learn's digits as uint8 (1797, 8, 8, 1), and labels."""
    datasets = optional_import("sklearn.datasets", "datasets", "`digits`")
    bunch = datasets.load_digits()
    levels = bunch.images.astype(np.int64)
    images = (255 * levels + 8) // 16
    return images.astype(np.uint8)[..., None], bunch.target
