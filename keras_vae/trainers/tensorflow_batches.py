"""Batches of indices on TensorFlow."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.trainers.index_batches import IndexBatches


class TensorFlowBatches(IndexBatches):
    """`IndexBatches` as NumPy arrays, in the order of a `tf.data` pipeline.

    Keras begins a pipeline for each epoch, which takes 8 ms. All of them give
    one order where TensorFlow's seed is set, so one is asked once; where none
    is set, one gives an order for each epoch.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What tunes a pipeline takes a tenth of a second to end with it.
        options = tf.data.Options()
        options.autotune.enabled = False
        pipeline = self.whole.get_tf_dataset().with_options(options)
        self._epochs = _epochs(pipeline, same=_seed_is_set())

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        # Not before it is asked for: Keras makes an iterator at the end of each
        # epoch that it does not use.
        yield from self.sliced([next(self._epochs)])

    def get_tf_dataset(self) -> Any:
        """Returns itself: one replica takes any iterable of batches."""
        return self


def _epochs(pipeline: tf.data.Dataset, same: bool) -> Iterator[Any]:
    """Yields the examples of each epoch, whole and without an end."""
    if same:
        (epoch,) = pipeline
        yield from itertools.repeat(tf.nest.map_structure(np.asarray, epoch))
    for epoch in pipeline.repeat():
        yield tf.nest.map_structure(np.asarray, epoch)


def _seed_is_set() -> bool:
    """Whether `tf.random.set_seed` was called, which has no other reader."""
    graph = tf.function(lambda: tf.constant(0)).get_concrete_function().graph
    return graph.seed is not None
