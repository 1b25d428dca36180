"""One training step as a function of all that it reads, on any backend."""

from typing import Any

import keras
from keras import ops

from keras_vae.trainers.base import BaseTrainer
from keras_vae.trainers.step import StepResult
from keras_vae.types import Tensor

Values = list[Tensor]


class StatelessTrainer(BaseTrainer):
    """Runs the objective and the metrics on values in the variables' place.

    What a backend compiles or traces must read and write no variable.
    """

    def scaled_loss(
        self,
        trainable: Values,
        non_trainable: Values,
        optimizer: Values,
        data: Any,
    ) -> tuple[Tensor, tuple[StepResult, Values]]:
        """Returns the loss that gradients are taken of, scaled if need be.

        Args:
            trainable: Values of the trainable variables.
            non_trainable: Values of the non-trainable variables.
            optimizer: Values of the optimizer's variables.
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.

        Returns:
            `(loss, (result, non_trainable))`.
        """
        result, non_trainable = self.run_stateless(
            trainable, non_trainable, data, training=True
        )
        mapping = list(zip(self.optimizer.variables, optimizer, strict=True))
        with keras.StatelessScope(state_mapping=mapping):
            loss = self.optimizer.scale_loss(result.loss)
        return loss, (result, non_trainable)

    def run_stateless(
        self,
        trainable: Values,
        non_trainable: Values,
        data: Any,
        training: bool,
    ) -> tuple[StepResult, Values]:
        """Runs the objective; returns what the statistics come to, too."""
        mapping = [
            *zip(self.trainable_variables, trainable, strict=True),
            *zip(self.non_trainable_variables, non_trainable, strict=True),
        ]
        with keras.StatelessScope(
            state_mapping=mapping, collect_losses=True
        ) as scope:
            result = self.run_objective(data, training)
        return result, current(scope, self.non_trainable_variables)

    def settle(
        self, finite: Tensor, bits: Tensor, new: Values, old: Values
    ) -> Values:
        """Keeps the statistics of a finite step, and counts the step."""
        variables = self.non_trainable_variables
        kept = [
            ops.where(finite, after, before) if self.is_statistic(v) else after
            for v, after, before in zip(variables, new, old, strict=True)
        ]
        mapping = list(zip(variables, kept, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            self.count_step(finite, bits)
        return current(scope, variables)

    def track(
        self,
        metrics: Values,
        result: StepResult,
        data: Any,
        finite: Tensor | None,
    ) -> tuple[dict[str, Tensor], Values]:
        """Returns the logs, and the metrics' values after one batch."""
        mapping = list(zip(self.metrics_variables, metrics, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            logs = self.update_trackers(result, data, finite)
            updated = current(scope, self.metrics_variables)
        if finite is not None and self._compile_metrics is not None:
            # The trackers leave themselves as they were.
            updated = select(finite, updated, metrics)
        return logs, updated


def select(finite: Tensor, new: Values, old: Values) -> Values:
    """Returns the new values of a finite step, the old ones of another."""
    return [ops.where(finite, a, b) for a, b in zip(new, old, strict=True)]


def current(scope: keras.StatelessScope, variables: list[Any]) -> Values:
    """Returns the values that variables have in a scope."""
    return [scope.get_current_value(v) for v in variables]
