"""The JAX half of a VAE's training: stateless, jitted by Keras."""

from typing import Any

import jax
import jax.numpy as jnp
import keras

from keras_vae.trainers.base import BaseTrainer, StepResult, is_seed
from keras_vae.types import Tensor

_Values = list[Tensor]


class JAXTrainer(BaseTrainer):
    """Trains with `jax.value_and_grad` on explicit, donated state."""

    def train_step(
        self, state: tuple[_Values, ...], data: Any
    ) -> tuple[dict[str, Tensor], tuple[_Values, ...]]:
        """Runs one training step.

        Args:
            state: Values of the trainable, non-trainable, optimizer and
                metrics variables.
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(logs, state)`.
        """
        trainable, non_trainable, optimizer, metrics = state
        gradient_of = jax.value_and_grad(self._scaled_loss, has_aux=True)
        (_, (result, forward_state)), gradients = gradient_of(
            trainable, non_trainable, optimizer, data
        )
        finite, bits = self.finite_step(result, gradients)
        new = self.optimizer.stateless_apply(optimizer, gradients, trainable)
        trainable = _select(finite, new[0], trainable)
        optimizer = _select(finite, new[1], optimizer)
        non_trainable = self._settle(finite, bits, forward_state, non_trainable)
        logs, metrics = self._track(metrics, result, data, finite)
        return logs, (trainable, non_trainable, optimizer, metrics)

    def test_step(
        self, state: tuple[_Values, ...], data: Any
    ) -> tuple[dict[str, Tensor], tuple[_Values, ...]]:
        """Runs one evaluation step.

        Args:
            state: Values of the trainable, non-trainable and metrics
                variables.
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(logs, state)`.
        """
        trainable, non_trainable, metrics = state
        result, non_trainable = self._stateless_run(
            trainable, non_trainable, data, training=False
        )
        logs, metrics = self._track(metrics, result, data, None)
        return logs, (trainable, non_trainable, metrics)

    def _scaled_loss(
        self,
        trainable: _Values,
        non_trainable: _Values,
        optimizer: _Values,
        data: Any,
    ) -> tuple[Tensor, tuple[StepResult, _Values]]:
        result, non_trainable = self._stateless_run(
            trainable, non_trainable, data, training=True
        )
        mapping = list(zip(self.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            loss = self.optimizer.scale_loss(result.loss)
        return loss, (result, non_trainable)

    def _stateless_run(
        self,
        trainable: _Values,
        non_trainable: _Values,
        data: Any,
        training: bool,
    ) -> tuple[StepResult, _Values]:
        mapping = [
            *zip(self.trainable_variables, trainable, strict=True),
            *zip(self.non_trainable_variables, non_trainable, strict=True),
        ]
        with keras.StatelessScope(
            state_mapping=mapping, collect_losses=True
        ) as scope:
            result = self.run_objective(data, training)
        return result, _current(scope, self.non_trainable_variables)

    def _settle(
        self, finite: Tensor, bits: Tensor, new: _Values, old: _Values
    ) -> _Values:
        """Keeps the statistics of a finite step, and counts the step."""
        variables = self.non_trainable_variables
        kept = [
            after if is_seed(v) else jnp.where(finite, after, before)
            for v, after, before in zip(variables, new, old, strict=True)
        ]
        mapping = list(zip(variables, kept, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self.count_step(finite, bits)
        return _current(scope, variables)

    def _track(
        self,
        metrics: _Values,
        result: StepResult,
        data: Any,
        finite: Tensor | None,
    ) -> tuple[dict[str, Tensor], _Values]:
        mapping = list(zip(self.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.update_trackers(result, data, finite)
            updated = _current(scope, self.metrics_variables)
        if finite is not None:
            updated = _select(finite, updated, metrics)
        return logs, updated


def _current(scope: keras.StatelessScope, variables: list[Any]) -> _Values:
    return [scope.get_current_value(v) for v in variables]


def _select(finite: Tensor, new: _Values, old: _Values) -> _Values:
    return [jnp.where(finite, a, b) for a, b in zip(new, old, strict=True)]
