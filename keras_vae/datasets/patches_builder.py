"""Patches of two photographs as a dataset of TensorFlow Datasets.

Import this module inside functions only: importing it loads TFDS and registers
`patches` there, after which `tfds.load("patches")` works too.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow_datasets as tfds

from keras_vae.datasets import binarize
from keras_vae.datasets.generated_builder import GeneratedBuilder
from keras_vae.validation import optional_import

SIDE = 64
HEIGHT = 427
PHOTOGRAPHS = ("china", "flower")

# Columns of each photograph, [start, stop), that a split's patches lie in.
# All bounds are multiples of 16: no block of the JPEG files is in two splits.
REGIONS = {
    "train": ((0, 256), (352, 544)),
    "validation": ((544, 640),),
    "test": ((256, 352),),
}

_DESCRIPTION = """
Natural-image patches, 64 by 64 pixels in colour, cut from the two sample
photographs that come with scikit-learn: `china` (a pagoda over a lake) and
`flower` (a dahlia), each 427 rows by 640 columns. Nothing is downloaded.

The splits share no pixel. Of both photographs, `train` (4,096 patches) has
the columns 0 to 255 and 352 to 543, `test` (512) the columns 256 to 351, and
`validation` (256) the columns 544 to 639; every patch lies wholly within one of
these four regions. Half of a split's patches are of each photograph.

Within a region the corner is drawn at random, with a fixed seed; in `train`
half of the patches, at random, are mirrored left to right. No two patches of a
split are the same cut, but patches of one split overlap: they are samples of
two photographs, not independent images, and the middle columns, which `test`
has, are the more detailed ones. `label` tells the photograph; `row` and
`column` tell where the upper left corner was.
"""

_CITATION = """
@article{pedregosa2011scikit,
  author = {Pedregosa, F. and others},
  title = {Scikit-learn: Machine Learning in {Python}},
  journal = {Journal of Machine Learning Research},
  volume = {12},
  pages = {2825--2830},
  year = {2011}
}
"""


class Place(NamedTuple):
    """Where a patch is cut: its photograph, its upper left corner."""

    photograph: int
    row: int
    column: int
    is_mirrored: bool


class Patches(GeneratedBuilder):
    """Patches of photographs: `image` uint8 (64, 64, 3), `label`, the place.

    The splits hold disjoint columns of both photographs: see `REGIONS`.
    Source: `sklearn.datasets.load_sample_images`; the photographs are by
    danielbuechele (china) and vultilion (flower), CC BY 2.0.

    Example:
    >>> builder = Patches(data_dir="~/tensorflow_datasets")
    >>> builder.download_and_prepare()
    >>> builder.as_dataset(split="train")
    """

    SPLIT_SIZES = {"train": 4096, "validation": 256, "test": 512}
    DESCRIPTION = _DESCRIPTION
    CITATION = _CITATION
    HOMEPAGE = (
        "https://scikit-learn.org/stable/datasets/loading_other_datasets.html"
    )

    def _features(self) -> dict[str, Any]:
        return {
            "image": tfds.features.Image(shape=(SIDE, SIDE, 3)),
            "label": tfds.features.ClassLabel(names=PHOTOGRAPHS),
            "row": np.int32,
            "column": np.int32,
            "is_mirrored": np.bool_,
        }

    def _generate_examples(
        self, split: str
    ) -> Iterator[tuple[str, dict[str, Any]]]:
        photographs = read_photographs()
        for place in places(split, self.SPLIT_SIZES[split]):
            number, row, column, is_mirrored = place
            image = photographs[number][row : row + SIDE, column:][:, :SIDE]
            example = {
                "image": image[:, ::-1].copy() if is_mirrored else image,
                "label": number,
                "row": row,
                "column": column,
                "is_mirrored": is_mirrored,
            }
            yield f"{number}_{row:03d}_{column:03d}_{is_mirrored:d}", example


def places(split: str, count: int) -> Iterator[Place]:
    """Yields `count` different places of a split, half of each photograph.

    NumPy keeps the generator's raw words the same in all versions, so that
    the places stay the same too.
    """
    columns = np.concatenate(
        [np.arange(start, stop - SIDE + 1) for start, stop in REGIONS[split]]
    )
    mirrorings = 2 if split == "train" else 1
    shape = (HEIGHT - SIDE + 1, len(columns), mirrorings)
    for photograph in range(len(PHOTOGRAPHS)):
        order = binarize.order(
            int(np.prod(shape)),
            seed=photograph,
            epoch=tuple(REGIONS).index(split),
        )
        chosen = np.unravel_index(order[: count // len(PHOTOGRAPHS)], shape)
        for row, index, mirrored in np.stack(chosen, axis=-1).tolist():
            yield Place(photograph, row, int(columns[index]), bool(mirrored))


def read_photographs() -> list[np.ndarray]:
    """Returns scikit-learn's two photographs, uint8 (427, 640, 3) each."""
    datasets = optional_import("sklearn.datasets", "datasets", "`patches`")
    return datasets.load_sample_images().images
