"""What every kind of data answers: its splits, its images, its labels."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from keras_vae.datasets.splits import Part
from keras_vae.types import Shape


class Examples(NamedTuple):
    """Images (uint8, or float32 in [0, 1]) and their labels, if any."""

    images: np.ndarray
    labels: np.ndarray | None


class Source(Protocol):
    """A place that images are read from: TFDS, a folder, an `.npz` file."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Number of examples of each split."""

    @property
    def image_shape(self) -> tuple[int | None, ...]:
        """Height, width and channels; None for a side that varies."""

    @property
    def has_labels(self) -> bool:
        """Whether every example has a label."""

    def read(
        self,
        parts: Sequence[Part],
        image_size: Shape | None,
        with_labels: bool,
    ) -> Examples:
        """Reads ranges of examples, one after the other, in stored order."""
