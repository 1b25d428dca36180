"""Datasets of images: TensorFlow Datasets, folders, `.npz` files.

`digits` and `patches` are generated rather than downloaded, in `data_dir` or
`TFDS_DATA_DIR`; where nothing can be written there, in the user's cache.
Images come in stored order: a slice of a folder sorted by class holds few of
its classes.

Example:
>>> x_train = keras_vae.datasets.load("digits", "train")
>>> x_train.shape
(1437, 8, 8, 1)

Importing this package loads neither TensorFlow, nor TensorFlow Datasets, nor
scikit-learn: `load` imports what it needs.
"""

from keras_vae.datasets.dynamic import DynamicBinarization
from keras_vae.datasets.loading import DatasetInfo, default_splits, info, load

__all__ = [
    "DatasetInfo",
    "DynamicBinarization",
    "default_splits",
    "info",
    "load",
]
