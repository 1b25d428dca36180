"""Batches of indices, without what a data pipeline costs for each."""

from collections.abc import Iterable, Iterator
from typing import Any

from keras.src.trainers.data_adapters.array_data_adapter import (
    ArrayDataAdapter,
)
from keras.src.trainers.data_adapters.data_adapter import DataAdapter


class IndexBatches(DataAdapter):
    """Gives the batches that Keras would give of arrays in memory.

    A batch of Keras's pipeline costs a few hundredths of the step of a small
    network, and on TensorFlow an epoch's beginning another tenth of a second.
    Here Keras's pipeline gives one element for each epoch, with the examples
    in the order of the plain path; batches are slices of it.

    A backend's subclass gives the epochs.

    Keras takes an iterable in this form alone, and gives this form no public
    name: no other module may ask for it.

    Args:
        x: int32 array `(num_examples,)`: indices.
        y: Array `(num_examples, ...)` or `None`.
        sample_weight: Array `(num_examples,)` or `None`.
        batch_size: Positive integer.
        shuffle: Boolean.
        class_weight: As in `fit`.
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        sample_weight: Any,
        batch_size: int,
        shuffle: bool,
        class_weight: Any,
    ) -> None:
        self.num_examples = len(x)
        self._batch_size = batch_size
        self.whole = ArrayDataAdapter(
            x,
            y,
            sample_weight=sample_weight,
            batch_size=self.num_examples,
            shuffle=shuffle,
            class_weight=class_weight,
        )

    def sliced(self, epochs: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
        """Yields the batches of epochs, each given whole."""
        for epoch in epochs:
            parts = epoch if isinstance(epoch, (tuple, list)) else (epoch,)
            for start in range(0, self.num_examples, self._batch_size):
                stop = start + self._batch_size
                yield tuple(part[start:stop] for part in parts)

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
