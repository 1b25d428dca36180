"""Dynamic binarisation: a dataset whose pixels are drawn afresh each epoch."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_vae.datasets import binarize
from keras_vae.validation import positive_int, require


class DynamicBinarization(keras.utils.PyDataset):
    """Batches of 0 and 1, drawn anew each epoch from grey levels.

    A pixel is 1 with probability equal to its intensity: exactly v/255 for
    uint8. The draw of example i in epoch e depends on (seed, e, i) alone, not
    on shuffling, batch size or threads. Every example is in every epoch; the
    last batch may be smaller.

    `fit` and `evaluate` on it advance `epoch` once for each pass over the
    data, as does a `for` loop over the dataset. The first batch that Keras
    takes to build a model does not count as a pass. Where Keras builds a
    second model on a dataset already in use, one epoch number is left out;
    none is ever drawn twice. Leave `steps_per_epoch` unset: with it, Keras
    lets passes over the data and epochs drift apart. A batch takes well below
    a millisecond to draw, so there are no workers to set (Keras's would carry
    batches of the first look into the first epoch).

    With `shuffle=True` examples are dealt to batches in a new order each
    epoch, given by `seed`. `fit` shuffles the batches once more unless it is
    given `shuffle=False`.

    Source: Burda, Grosse & Salakhutdinov, 2016, section 5 (binary images
    are sampled during training), https://arxiv.org/abs/1509.00519.

    Args:
        images: Array of shape `(num_examples, *event_shape)`: uint8 grey
            levels, or floats in [0, 1].
        batch_size: Integer, at least 1.
        shuffle: Boolean, whether each epoch has its own order.
        seed: Integer.
        labels: Array of `num_examples` labels, or None. With labels, batches
            are tuples `(x, y)`.

    Attributes:
        epoch: Integer, the epoch being drawn. Set it to resume a training:
            `dataset.epoch = 5` before `fit(dataset, initial_epoch=5)`.

    Raises:
        TypeError: if `batch_size` or `seed` is not an integer.
        ValueError: if `images` hold no intensities, or `labels` do not match.

    Example:
    >>> dataset = DynamicBinarization(images, batch_size=128, seed=0)
    >>> vae.fit(dataset, epochs=20)
    """

    def __init__(
        self,
        images: Any,
        batch_size: int = 128,
        shuffle: bool = True,
        seed: int = 0,
        labels: Any = None,
    ) -> None:
        super().__init__()
        self.batch_size = positive_int(
            "batch_size", batch_size, "Pass e.g. `batch_size=128`."
        )
        self.images = binarize.check_intensities(images)
        self.labels = _check_labels(labels, len(self.images))
        self.shuffle = bool(shuffle)
        self.seed = binarize.check_seed(seed)
        self.epoch = 0
        self._cached_order: tuple[int, np.ndarray] | None = None
        self._has_begun = False
        self._has_ended = False

    def __len__(self) -> int:
        return -(-len(self.images) // self.batch_size)

    @property
    def num_examples(self) -> int:
        """Number of examples in an epoch."""
        return len(self.images)

    def __getitem__(self, index: int) -> Any:
        if not 0 <= index < len(self):
            raise IndexError(
                f"`index` must be from 0 to {len(self) - 1}, the last batch. "
                f"Received: index={index}. Pass e.g. `dataset[0]`."
            )
        epoch = self.epoch
        start = index * self.batch_size
        indices = self._order(epoch)[start : start + self.batch_size]
        x = binarize.draw(self.images[indices], indices, self.seed, epoch)
        return x if self.labels is None else (x, self.labels[indices])

    def __iter__(self) -> Iterator[Any]:
        for index in range(len(self)):
            yield self[index]
        self._has_begun = False
        self.epoch += 1

    def on_epoch_begin(self) -> None:
        """Notes that Keras starts a pass, or a look at the first batch."""
        self._has_begun = True

    def on_epoch_end(self) -> None:
        """Advances `epoch` at the end of a pass.

        `fit` and `evaluate` call this once before their first pass: after
        the look at the first batch, or without a begin before it where the
        model is built. Neither is a pass.
        """
        is_pass = self._has_begun and self._has_ended
        self._has_begun, self._has_ended = False, True
        if is_pass:
            self.epoch += 1

    def _order(self, epoch: int) -> np.ndarray:
        cached = self._cached_order
        if cached is None or cached[0] != epoch:
            indices = np.arange(len(self.images))
            if self.shuffle:
                indices = binarize.order(len(indices), self.seed, epoch)
            cached = self._cached_order = (epoch, indices)
        return cached[1]


def _check_labels(labels: Any, num_examples: int) -> np.ndarray | None:
    if labels is None:
        return None
    array = np.asarray(labels)
    require(
        array.ndim >= 1 and len(array) == num_examples,
        f"`labels` must hold one label for each of the {num_examples} images. "
        f"Received: shape {array.shape}. Pass e.g. "
        f"`labels=labels[:{num_examples}]`.",
    )
    return array
