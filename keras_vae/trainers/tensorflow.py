"""The TensorFlow half of a VAE's training."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from keras_vae.trainers import adam, precision, resident
from keras_vae.trainers.base import BaseTrainer
from keras_vae.trainers.tensorflow_execution import Execution
from keras_vae.types import Tensor


class TensorFlowTrainer(BaseTrainer):
    """Trains with `tf.GradientTape` and the Keras optimizer."""

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Runs one training step and returns the logs.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Raises:
            NotImplementedError: under a `tf.distribute` strategy with more
                than one replica.
        """
        _refuse_replicas()
        undoable = _snapshot(self.undoable_variables())
        with tf.GradientTape() as tape:
            result = self.run_objective(data, training=True)
            scaled = self.optimizer.scale_loss(result.loss)
        weights = self.trainable_weights
        gradients = tape.gradient(scaled, weights)
        finite, bits = self.finite_step(result, gradients)
        self._apply(gradients, weights, finite)
        logs = self.update_trackers(result, data, finite)
        _restore(undoable, finite)
        self.count_step(finite, bits)
        return logs

    def test_step(self, data: Any) -> dict[str, Tensor]:
        """Runs one evaluation step and returns the logs.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.
        """
        return self.update_trackers(
            self.run_objective(data, training=False), data
        )

    def _apply(
        self, gradients: list[Tensor], weights: list[Any], finite: Tensor
    ) -> None:
        """Updates the weights where the step is finite.

        XLA makes one loop over each weight of the update and the choice, and
        copies of it where the update stands under a condition.
        """
        compiled = self.takes_fast_path and (self.jit_compile or self._by_xla)
        if compiled and self.updates_by_adam(gradients):
            adam.update_where(finite, self.optimizer, gradients, weights)
            return
        if compiled:
            before = _snapshot([*weights, *self.optimizer.variables])
            self.optimizer.apply(gradients, weights)
            _restore(before, finite)
            return

        def update() -> Tensor:
            self.optimizer.apply(gradients, weights)
            return tf.constant(True)

        tf.cond(finite, update, lambda: tf.constant(False))

    # --- Many steps in one call ---------------------------------------------

    # At each call XLA copies the weights, and what Adam knows of them.
    most_steps = 256
    # Created by Keras's own trainer, reset by `compile`.
    train_function: Callable | None
    test_function: Callable | None
    _by_xla = False  # While XLA's own version of the step is traced.

    @property
    def groups_steps(self) -> bool:
        """Whether several steps in one call are faster on this backend."""
        return self._may_use_xla

    def loops_over(self, layer: keras.Layer) -> bool:
        """Whether steps with a convolution are as fast in a compiled loop.

        The operations there are TensorFlow's own: a step of the convolutional
        VAE is a fourteenth shorter.
        """
        return True

    @property
    def keeps_arrays(self) -> bool:
        """Whether `fit` may keep arrays in memory, as tensors."""
        return super().keeps_arrays and self._may_use_xla

    def on_device(self, x: np.ndarray) -> tf.Tensor:
        """Returns an array as a tensor that batches are gathered from."""
        if x.dtype.kind not in "fiu":
            return super().on_device(x)
        capsule = resident.aligned(x).__dlpack__()
        return tf.experimental.dlpack.from_dlpack(capsule)

    def index_batches(self) -> Any:
        """Returns the `IndexBatches` of this backend."""
        from keras_vae.trainers.tensorflow_batches import TensorFlowBatches

        return TensorFlowBatches

    @property
    def _may_use_xla(self) -> bool:
        """Whether Keras leaves XLA out, and the choice was left to it.

        It does so without a GPU.
        """
        return (
            self.takes_fast_path
            and self._jit_compile_argument == "auto"
            and not self.jit_compile
            and not tf.distribute.has_strategy()
            and not tf.config.list_physical_devices("GPU")
        )

    def make_train_function(self, force: bool = False) -> None:
        """Makes the function that runs `steps_per_execution` train steps."""
        if self.train_function is None or force:
            super().make_train_function(force)
            by_xla = self._xla_train_step if self._in_float32() else None
            self.train_function = self._executed(
                (self.train_step, by_xla),
                lambda: self.resident.training,
                self.train_function,
            )

    def make_test_function(self, force: bool = False) -> None:
        """Makes the function that runs `steps_per_execution` test steps."""
        if self.test_function is None or force:
            super().make_test_function(force)
            self.test_function = self._executed(
                (self.test_step, None),
                lambda: self.resident.validation,
                self.test_function,
            )

    def _executed(
        self,
        steps: tuple[Callable, Callable | None],
        examples: Callable,
        by_keras: Callable | None,
    ) -> Callable | None:
        """Returns what runs steps: our own, or what Keras has made."""
        if by_keras is None or not self._may_use_xla:
            return by_keras
        return Execution(
            *steps, examples, lambda: self.steps_per_execution, by_keras
        )

    def _xla_train_step(self, data: Any) -> dict[str, Tensor]:
        self._by_xla = True
        try:
            return self.train_step(data)
        finally:
            self._by_xla = False

    def _in_float32(self) -> bool:
        return not any(
            precision.computes_in(self, dtype)
            for dtype in ("float16", "bfloat16")
        )


def _snapshot(variables: list[Any]) -> list[tuple[Any, Tensor]]:
    return [(v, tf.identity(v.value)) for v in variables]


def _restore(snapshot: list[tuple[Any, Tensor]], finite: Tensor) -> None:
    for variable, before in snapshot:
        variable.assign(tf.where(finite, variable.value, before))


def _refuse_replicas() -> None:
    count = tf.distribute.get_strategy().num_replicas_in_sync
    if count > 1:
        raise NotImplementedError(
            "A VAE's training must run on one replica. Received: a "
            f"`tf.distribute` strategy with {count} replicas. Train without "
            "`strategy.scope()`."
        )
