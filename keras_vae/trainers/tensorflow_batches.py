"""Batches of indices on TensorFlow, without a data pipeline's cost."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf
from keras.src.trainers.data_adapters.array_data_adapter import (
    ArrayDataAdapter,
)
from keras.src.trainers.data_adapters.data_adapter import DataAdapter


class IndexBatches(DataAdapter):
    """Gives the batches that Keras would give of arrays in memory.

    To begin an epoch of a `tf.data` pipeline, and to take its batches, costs
    a sixth of the time of a small network. Here Keras's pipeline gives one
    element for each epoch, with the examples in the order of the plain path;
    batches are slices of it.

    Args:
        arrays: `(indices, y, sample_weight)`, `None` where absent.
        batch_size: Positive integer.
        shuffle: Boolean.
        class_weight: As in `fit`.
    """

    def __init__(
        self, arrays: Any, batch_size: int, shuffle: bool, class_weight: Any
    ) -> None:
        indices, y, sample_weight = arrays
        self.num_examples = len(indices)
        self._batch_size = batch_size
        whole = ArrayDataAdapter(
            indices,
            y,
            sample_weight=sample_weight,
            batch_size=self.num_examples,
            shuffle=shuffle,
            class_weight=class_weight,
        )
        # What tunes a pipeline takes a tenth of a second to end with it.
        options = tf.data.Options()
        options.autotune.enabled = False
        self._epochs = whole.get_tf_dataset().with_options(options)

    def __iter__(self) -> Iterator[Any]:
        for epoch in self._epochs:
            epoch = epoch if isinstance(epoch, tuple) else (epoch,)
            parts = tuple(np.asarray(part) for part in epoch)
            for start in range(0, self.num_examples, self._batch_size):
                stop = start + self._batch_size
                yield tuple(part[start:stop] for part in parts)

    def get_tf_dataset(self) -> Any:
        """Returns itself: one replica takes any iterable of batches."""
        return self

    @property
    def num_batches(self) -> int:
        """How many batches an epoch has."""
        return -(-self.num_examples // self._batch_size)

    @property
    def batch_size(self) -> int:
        """How many examples a batch has."""
        return self._batch_size

    @property
    def has_partial_batch(self) -> bool:
        """Whether the last batch is short."""
        return self.num_examples % self._batch_size > 0

    @property
    def partial_batch_size(self) -> int | None:
        """How many examples a short last batch has."""
        return self.num_examples % self._batch_size or None
