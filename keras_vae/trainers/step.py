"""The parts of a training step, which are the same on every backend."""

import functools
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_vae.objectives import ELBOTerms
from keras_vae.trainers import adam, resident
from keras_vae.trainers import data as data_checks
from keras_vae.trainers.nonfinite import TERM_BITS
from keras_vae.types import Tensor


class StepResult(NamedTuple):
    """What one forward pass of a step gives."""

    loss: Tensor  # scalar: sum(weight * per-example loss) / batch + losses
    terms: ELBOTerms  # (batch,) each, unweighted
    extras: tuple[Tensor, ...]  # (batch,) each: the objective's extra terms
    batch_size: Tensor  # scalar
    x: Tensor  # (batch, *event_shape)
    y_pred: Tensor | None  # (batch, *event_shape) where metrics want it


class StepModel(keras.Model):
    """A model with all that a step of its training is made of.

    A subclass for each backend adds `train_step` and `test_step`, which call
    what stands here.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.elbo_trackers = [
            keras.metrics.Mean(name=name) for name in ELBOTerms._fields
        ]
        self.extra_trackers: list[keras.metrics.Metric] = []
        self.resident = resident.Resident()
        self.training_step = self._counter("training_step")
        self.nonfinite_steps = self._counter("nonfinite_steps")
        self.nonfinite_run = self._counter("nonfinite_run")
        self.nonfinite_terms = self._counter("nonfinite_terms")

    def _counter(self, name: str) -> Any:
        return self.add_weight(
            name=name,
            shape=(),
            dtype="int32",
            initializer="zeros",
            trainable=False,
        )

    def track_extra_terms(self, names: tuple[str, ...]) -> None:
        """Makes a tracker for each of the objective's extra terms."""
        self.extra_trackers = [keras.metrics.Mean(name=name) for name in names]

    # --- One step -----------------------------------------------------------

    def forward_pass(
        self, x: Tensor, y: Tensor, training: bool
    ) -> tuple[Any, ELBOTerms, Tensor]:
        """Returns the evidence, the ELBO's terms and the `(batch,)` loss."""
        raise NotImplementedError

    def run_objective(self, data: Any, training: bool) -> StepResult:
        """Runs the model and its objective on one batch.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.
            training: Boolean, whether layers are in training mode.
        """
        x, y, sample_weight = data_checks.unpack(data)
        evidence, terms, losses = self.forward_pass(x, y, training)
        extras = self.objective.extras(evidence, terms)
        batch_size = ops.shape(losses)[0]
        if sample_weight is not None:
            sample_weight = data_checks.flat_weight(sample_weight)
            losses = losses * ops.cast(sample_weight, losses.dtype)
        loss = ops.sum(losses) / ops.cast(batch_size, losses.dtype)
        for extra in self.losses:
            loss = loss + ops.sum(ops.cast(extra, loss.dtype))
        y_pred = None
        if self._compile_metrics is not None:
            y_pred = evidence.reconstruction
        return StepResult(loss, terms, extras, batch_size, x, y_pred)

    def finite_step(
        self, result: StepResult, gradients: list[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Tells on the device whether a step may be applied.

        A loss-scaling optimizer meets overflowing gradients as a matter of
        course and lowers its scale: they are left to it.

        Returns:
            `(finite, bits)`: a boolean scalar, and the int32 sum of the
            `TERM_BITS` that are not finite.
        """
        # A sum is finite only where all its terms are; it reads each tensor
        # once and allocates nothing.
        sums = {
            "log_likelihood": self._total([result.terms.log_likelihood]),
            "kl": self._total([result.terms.kl]),
            "loss": self._total([result.loss]),
        }
        gradients = [g for g in gradients if g is not None]
        scales_loss = isinstance(
            self.optimizer, keras.optimizers.LossScaleOptimizer
        )
        if gradients and not scales_loss:
            sums["gradients"] = self._total(gradients)
        bad = ops.logical_not(ops.isfinite(ops.stack(list(sums.values()))))
        weights = [TERM_BITS[name] for name in sums]
        bits = ops.sum(ops.where(bad, ops.array(weights, dtype="int32"), 0))
        bits = ops.cast(bits, "int32")
        return ops.equal(bits, 0), bits

    def _total(self, tensors: list[Tensor]) -> Tensor:
        sums = [ops.cast(self.sum_of(tensor), "float32") for tensor in tensors]
        return functools.reduce(ops.add, sums)

    def sum_of(self, tensor: Tensor) -> Tensor:
        """Returns the sum of all values, in an order that is the backend's own.

        XLA sums a large matrix on one thread of a CPU, but multiplies it by
        ones on all: on JAX a step of a small network is 3 to 5 hundredths
        shorter.
        """
        if len(tensor.shape) > 1:
            rows = ops.reshape(tensor, (-1, ops.shape(tensor)[-1]))
            tensor = ops.matmul(rows, ops.ones_like(rows[0]))
        return ops.sum(tensor)

    def updates_by_adam(self, gradients: list[Tensor]) -> bool:
        """Whether `adam.update_where` stands for the optimizer's `apply`."""
        # A gradient may be missing, or sparse.
        return adam.is_plain(self.optimizer, self.trainable_weights) and all(
            ops.is_tensor(gradient) for gradient in gradients
        )

    def count_step(self, finite: Tensor, bits: Tensor) -> None:
        """Advances the training step, or the counts of skipped steps."""
        done = ops.cast(finite, "int32")
        self.training_step.assign_add(done)
        self.nonfinite_steps.assign_add(1 - done)
        self.nonfinite_run.assign((self.nonfinite_run + 1) * (1 - done))
        self.nonfinite_terms.assign(
            ops.where(finite, self.nonfinite_terms.value, bits)
        )

    def update_trackers(
        self, result: StepResult, data: Any, finite: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Updates the metrics with one batch and returns the logs.

        Args:
            result: What `run_objective` returned.
            data: The batch.
            finite: Boolean scalar; a `False` leaves the metrics untouched.
        """
        weight = ops.cast(result.batch_size, "float32")
        terms = (*result.terms, *result.extras)
        values = [result.loss, *(ops.mean(term) for term in terms)]
        values = ops.stack([ops.cast(v, "float32") for v in values])
        if finite is not None:
            weight = ops.where(finite, weight, 0.0)
            values = ops.where(finite, values, 0.0)
        totals = values * weight
        for index, tracker in enumerate(self.trackers()):
            # What `update_state` comes to, in a fifth of its operations.
            tracker.total.assign_add(totals[index])
            tracker.count.assign_add(weight)
        sample_weight = data_checks.unpack(data)[2]
        return self.compute_metrics(
            result.x, None, result.y_pred, sample_weight
        )

    def trackers(self) -> list[keras.metrics.Mean]:
        """Returns the means of the loss, the ELBO's terms and the extras."""
        return [
            self._loss_tracker,
            *self.elbo_trackers,
            *self.extra_trackers,
        ]

    def compute_metrics(
        self,
        x: Tensor,
        y: Tensor,
        y_pred: Tensor,
        sample_weight: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Updates metrics of `compile(metrics=...)`, which compare x with
        its reconstruction, and returns all logs.
        """  # noqa: D205
        return super().compute_metrics(x, x, y_pred, sample_weight)

    def get_metrics_result(self) -> dict[str, Tensor]:
        """Returns the logs, as Keras does, with fewer operations."""
        own = self.trackers()
        count = own[0].count.value  # The same of all.
        count = ops.where(ops.equal(count, 0.0), 1.0, count)
        logs = {tracker.name: tracker.total / count for tracker in own}
        for metric in self.metrics:
            if metric.name in logs:
                continue
            result = metric.result()
            logs.update(
                result if isinstance(result, dict) else {metric.name: result}
            )
        return logs

    def undoable_variables(self) -> list[Any]:
        """Variables that a step changes on its way, to be undone if skipped.

        They are the batch statistics, and the states of the metrics that
        were passed to `compile`; the trackers undo themselves.
        """
        statistics = [
            v for v in self.non_trainable_variables if self.is_statistic(v)
        ]
        if self._compile_metrics is not None:
            statistics.extend(self._compile_metrics.variables)
        return statistics

    def is_statistic(self, variable: Any) -> bool:
        """Whether it is no seed, and no counter that undoes itself."""
        own = {id(v) for v in self._counters()}
        return id(variable) not in own and not is_seed(variable)

    def _counters(self) -> list[Any]:
        return [
            self.training_step,
            self.nonfinite_steps,
            self.nonfinite_run,
            self.nonfinite_terms,
        ]


def is_seed(variable: Any) -> bool:
    """Whether a variable is the state of a random generator.

    It moves on even where a step is skipped, so that the next step draws
    other noise.
    """
    return variable.name == "seed_generator_state"
