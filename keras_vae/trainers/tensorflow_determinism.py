"""Deterministic algorithms on TensorFlow."""

import tensorflow as tf


def enable() -> None:
    """Has TensorFlow, its XLA and `tf.data` use deterministic ones alone."""
    tf.config.experimental.enable_op_determinism()
