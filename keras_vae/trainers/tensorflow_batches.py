"""Batches of indices on TensorFlow."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.trainers.index_batches import IndexBatches


class TensorFlowBatches(IndexBatches):
    """`IndexBatches` as NumPy arrays, in the order of a `tf.data` pipeline."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # What tunes a pipeline takes a tenth of a second to end with it.
        options = tf.data.Options()
        options.autotune.enabled = False
        self._epochs = self.whole.get_tf_dataset().with_options(options)

    def __iter__(self) -> Iterator[tuple[np.ndarray, ...]]:
        # Not before it is asked for: Keras makes an iterator at the end of each
        # epoch that it does not use, and a pipeline's takes 8 ms.
        for epoch in self._epochs:
            yield from self.sliced([tf.nest.map_structure(np.asarray, epoch)])

    def get_tf_dataset(self) -> Any:
        """Returns itself: one replica takes any iterable of batches."""
        return self
