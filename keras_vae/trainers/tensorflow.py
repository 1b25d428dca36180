"""The TensorFlow half of a VAE's training."""

from typing import Any

import tensorflow as tf

from keras_vae.trainers import adam
from keras_vae.trainers.base import BaseTrainer
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
        compiled = self.takes_fast_path and self.jit_compile
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

    # TensorFlow's data pipeline gathers batches in threads of its own, while
    # steps run: examples on the device were not faster.
    keeps_arrays = False


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
