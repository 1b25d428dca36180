"""The JAX half of a VAE's training: stateless, jitted by Keras."""

from collections.abc import Callable
from typing import Any

import jax
import keras
import numpy as np

from keras_vae.layers.by_phases import ByPhases
from keras_vae.trainers import adam, grouping, resident
from keras_vae.trainers.jax_execution import Execution
from keras_vae.trainers.jax_repeated import Repeated
from keras_vae.trainers.stateless import (
    StatelessTrainer,
    Values,
    current,
    select,
)
from keras_vae.types import Tensor


class JAXTrainer(StatelessTrainer):
    """Trains with `jax.value_and_grad` on explicit, donated state."""

    def train_step(
        self, state: tuple[Values, ...], data: Any
    ) -> tuple[dict[str, Tensor], tuple[Values, ...]]:
        """Runs one training step.

        Args:
            state: Values of the trainable, non-trainable, optimizer and
                metrics variables.
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(logs, state)`.
        """
        trainable, non_trainable, optimizer, metrics = state
        gradient_of = jax.value_and_grad(self.scaled_loss, has_aux=True)
        (_, (result, forward_state)), gradients = gradient_of(
            trainable, non_trainable, optimizer, data
        )
        finite, bits = self.finite_step(result, gradients)
        trainable, optimizer = self._updated(
            finite, optimizer, gradients, trainable
        )
        non_trainable = self.settle(finite, bits, forward_state, non_trainable)
        logs, metrics = self.track(metrics, result, data, finite)
        return logs, (trainable, non_trainable, optimizer, metrics)

    def _updated(
        self,
        finite: Tensor,
        optimizer: Values,
        gradients: Values,
        trainable: Values,
    ) -> tuple[Values, Values]:
        """Returns the weights and the optimizer after a finite step."""
        if not (self.takes_fast_path and self.updates_by_adam(gradients)):
            new = self.optimizer.stateless_apply(
                optimizer, gradients, trainable
            )
            return (
                select(finite, new[0], trainable),
                select(finite, new[1], optimizer),
            )
        weights = self.trainable_variables
        variables = self.optimizer.variables
        mapping = [
            *zip(weights, trainable, strict=True),
            *zip(variables, optimizer, strict=True),
        ]
        with keras.StatelessScope(state_mapping=mapping) as scope:
            adam.update_where(finite, self.optimizer, gradients, weights)
            return current(scope, weights), current(scope, variables)

    def test_step(
        self, state: tuple[Values, ...], data: Any
    ) -> tuple[dict[str, Tensor], tuple[Values, ...]]:
        """Runs one evaluation step.

        Args:
            state: Values of the trainable, non-trainable and metrics
                variables.
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(logs, state)`.
        """
        trainable, non_trainable, metrics = state
        result, non_trainable = self.run_stateless(
            trainable, non_trainable, data, training=False
        )
        logs, metrics = self.track(metrics, result, data, None)
        return logs, (trainable, non_trainable, metrics)

    # Created by Keras's own trainer, reset by `compile`.
    train_function: Callable | None
    test_function: Callable | None

    @property
    def keeps_arrays(self) -> bool:
        """Whether `fit` may keep arrays on the device."""
        return super().keeps_arrays and self._runs_alone

    def on_device(self, x: np.ndarray) -> jax.Array:
        """Returns an array as a tensor that batches are gathered from."""
        if jax.default_backend() != "cpu":
            return super().on_device(x)
        return jax.device_put(resident.aligned(x), may_alias=True)

    @property
    def groups_steps(self) -> bool:
        """Whether several steps in one call are faster on this backend."""
        return self._runs_alone

    def loops_over(self, layer: keras.Layer) -> bool:
        """Whether steps with a convolution are as fast in a compiled loop.

        Those whose gradients are matrix products are. XLA's own took ten times
        as long on a CPU, a gradient of a 3x3 kernel from 14x14x32 with stride
        2. But XLA asks for the memory of a program anew at each call: 93 MB of
        fresh pages a step of the convolutional VAE took a quarter of its time.
        """
        return isinstance(layer, ByPhases) and layer.goes_by_phases

    @property
    def _runs_alone(self) -> bool:
        """Whether steps are compiled, and for one device."""
        return (
            self.takes_fast_path
            and bool(self.jit_compile)
            and keras.distribution.distribution() is None
            and not keras.config.is_nnx_enabled()
        )

    def repeated(
        self, function: Callable[..., Tensor]
    ) -> Callable[..., Tensor]:
        """Returns a function of tensors as it runs fastest again and again."""
        return (
            Repeated(function, self.variables) if self._runs_alone else function
        )

    def make_train_function(self, force: bool = False) -> None:
        """Makes the function that runs `steps_per_execution` train steps."""
        if not self._runs_alone:
            super().make_train_function(force)
        elif self.train_function is None or force:
            self.train_function = Execution(
                self.train_step,
                lambda: self.resident.training,
                lambda: self.steps_per_execution,
                loops=lambda: grouping.fits_a_loop(self),
                variables=lambda: self.non_trainable_variables,
            )

    def make_test_function(self, force: bool = False) -> None:
        """Makes the function that runs `steps_per_execution` test steps."""
        if not self._runs_alone:
            super().make_test_function(force)
        elif self.test_function is None or force:
            self.test_function = Execution(
                self.test_step,
                lambda: self.resident.validation,
                lambda: self.steps_per_execution,
                loops=lambda: grouping.fits_a_loop(self),
                variables=lambda: self.non_trainable_variables,
            )
