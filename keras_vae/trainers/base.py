"""What the training of a VAE is on every backend."""

from typing import Any, NamedTuple

import keras
from keras import ops

from keras_vae.objectives import ELBOTerms
from keras_vae.trainers import data as data_checks
from keras_vae.trainers import saving
from keras_vae.trainers.nonfinite import TERM_BITS, make_guard, with_guard
from keras_vae.types import Tensor
from keras_vae.validation import positive_int


class StepResult(NamedTuple):
    """What one forward pass of a step gives."""

    loss: Tensor  # scalar: sum(weight * per-example loss) / batch + losses
    terms: ELBOTerms  # (batch,) each, unweighted
    extras: tuple[Tensor, ...]  # (batch,) each: the objective's extra terms
    batch_size: Tensor  # scalar
    x: Tensor  # (batch, *event_shape)
    y_pred: Tensor | None  # (batch, *event_shape) where metrics want it


class BaseTrainer(keras.Model):
    """The backend-neutral half of a VAE's training.

    A subclass for each backend adds `train_step` and `test_step`, whose
    mathematics all stands here, in `run_objective` and below.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.elbo_trackers = [
            keras.metrics.Mean(name=name) for name in ELBOTerms._fields
        ]
        self.extra_trackers: list[keras.metrics.Metric] = []
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
            y_pred = evidence.likelihood.mean()[0]
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
        checked = {
            "log_likelihood": [result.terms.log_likelihood],
            "kl": [result.terms.kl],
            "loss": [result.loss],
        }
        if not isinstance(self.optimizer, keras.optimizers.LossScaleOptimizer):
            checked["gradients"] = [g for g in gradients if g is not None]
        bits = ops.zeros((), dtype="int32")
        for name, tensors in checked.items():
            bad = ops.logical_not(_all_finite(tensors))
            bits = bits + TERM_BITS[name] * ops.cast(bad, "int32")
        return ops.equal(bits, 0), bits

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
        values = [ops.mean(term) for term in (*result.terms, *result.extras)]
        trackers = [
            self._loss_tracker,
            *self.elbo_trackers,
            *self.extra_trackers,
        ]
        for tracker, value in zip(
            trackers, [result.loss, *values], strict=True
        ):
            if finite is None:
                tracker.update_state(value, sample_weight=weight)
            else:
                tracker.update_state(
                    ops.where(finite, value, 0.0),
                    sample_weight=ops.where(finite, weight, 0.0),
                )
        sample_weight = data_checks.unpack(data)[2]
        return self.compute_metrics(
            result.x, None, result.y_pred, sample_weight
        )

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

    def undoable_variables(self) -> list[Any]:
        """Variables that a step changes on its way, to be undone if skipped.

        They are the batch statistics, and the states of the metrics that
        were passed to `compile`; the trackers undo themselves.
        """
        own = {id(v) for v in self._counters()}
        statistics = [
            v
            for v in self.non_trainable_variables
            if id(v) not in own and not is_seed(v)
        ]
        if self._compile_metrics is not None:
            statistics.extend(self._compile_metrics.variables)
        return statistics

    def _counters(self) -> list[Any]:
        return [
            self.training_step,
            self.nonfinite_steps,
            self.nonfinite_run,
            self.nonfinite_terms,
        ]

    # --- Keras's verbs ------------------------------------------------------

    def compile(
        self,
        optimizer: Any = "adam",
        *,
        check_every: int | None = None,
        nonfinite_patience: int = 20,
        **kwargs: Any,
    ) -> None:
        """Configures training; the loss is the VAE's `objective`.

        Args:
            optimizer: As in Keras. Defaults to `"adam"`.
            check_every: Integer, training steps between two looks at the
                count of non-finite steps, or `None` to look at the end of
                each epoch alone. Defaults to `None`.
            nonfinite_patience: Integer, consecutive non-finite steps after
                which `fit` stops with a `FloatingPointError`. Defaults to
                `20`.
            **kwargs: Other arguments of `keras.Model.compile`: `metrics`
                (which compare x with its reconstruction), `jit_compile`,
                `run_eagerly`, `steps_per_execution`, `auto_scale_loss`.

        Raises:
            ValueError: if a `loss` is passed, or a number is below 1.
        """
        if kwargs.get("loss") is not None:
            raise ValueError(
                "`loss` must be left out: a VAE's loss is its objective. "
                f"Received: loss={kwargs['loss']!r}. Pass e.g. "
                "`VAE(..., objective=objectives.ELBO(kl_weight=1.0))`."
            )
        kwargs.pop("loss", None)
        fix = "Pass e.g. `compile(check_every=100)`."
        if check_every is not None:
            check_every = positive_int("check_every", check_every, fix)
        self.check_every = check_every
        self._jit_compile_argument = kwargs.get("jit_compile", "auto")
        self.nonfinite_patience = positive_int(
            "nonfinite_patience", nonfinite_patience, fix
        )
        super().compile(optimizer=optimizer, **kwargs)
        if self.optimizer is not None and not self.optimizer.built:
            self.optimizer.build(self.trainable_variables)

    def get_compile_config(self) -> dict[str, Any] | None:
        """Returns what `compile_from_config` needs."""
        config = super().get_compile_config()
        if config:
            # Keras stores what "auto" came to on this backend; on another it
            # must be decided anew (`torch.compile` takes a minute).
            config["jit_compile"] = self._jit_compile_argument
            saving.name_publicly(config["optimizer"])
            config["check_every"] = self.check_every
            config["nonfinite_patience"] = self.nonfinite_patience
        return config

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles a loaded model as the saved one was."""
        config = keras.saving.deserialize_keras_object(config)
        config.pop("loss_weights", None)
        self.compile(**config)

    def check_data(self, x: Any, y: Any = None) -> Any:
        """Checks data against the model; see `trainers.data.check_data`."""
        checks = data_checks.Checks(
            self.likelihood, self.event_shape, self.check_condition
        )
        return data_checks.check_data(x, y, checks)

    def check_condition(self, condition: Any, num_examples: int) -> None:
        """Raises unless `y` suits the model; by default it is ignored.

        Args:
            condition: Array or `None`, what came as `y`.
            num_examples: Integer, the examples of x beside it.
        """

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        epochs: int = 1,
        verbose: Any = "auto",
        callbacks: Any = None,
        validation_split: float = 0.0,
        validation_data: Any = None,
        shuffle: bool = True,
        class_weight: Any = None,
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> keras.callbacks.History:
        """Trains as any Keras model does.

        The data are checked against the likelihood's support first: arrays
        whole, streams by their first batch. Non-finite steps are skipped.

        Args:
            x: Array `(num_examples, *event_shape)`, or a stream of batches
                `x`, `(x, y)` or `(x, y, sample_weight)`.
            y: A `ConditionalVAE`'s condition; a VAE ignores it.
            batch_size: As in Keras.
            epochs: As in Keras.
            verbose: As in Keras.
            callbacks: As in Keras.
            validation_split: As in Keras.
            validation_data: Array, tuple or stream.
            shuffle: As in Keras.
            class_weight: As in Keras.
            sample_weight: Array `(num_examples,)` or `None`.
            **kwargs: Other arguments of `keras.Model.fit`.

        Returns:
            `History` with `loss`, `elbo`, `log_likelihood`, `kl` and the
            objective's extra terms (`iw_elbo`), in nats per example, and
            the same with `val_`.

        Raises:
            ValueError: if a shape or a value does not suit the model.
            FloatingPointError: after a run of non-finite steps.
        """
        if validation_data is not None:
            validation_data = self._check_validation(validation_data)
        return super().fit(
            x=self.check_data(x, y),
            y=data_checks.targets_for(x, y, sample_weight, class_weight),
            batch_size=batch_size,
            epochs=epochs,
            verbose=verbose,
            callbacks=self._with_guard(callbacks),
            validation_split=validation_split,
            validation_data=validation_data,
            shuffle=shuffle,
            class_weight=class_weight,
            sample_weight=sample_weight,
            **kwargs,
        )

    def _check_validation(self, validation_data: Any) -> Any:
        if isinstance(validation_data, (tuple, list)):
            x, y, weight = data_checks.unpack(tuple(validation_data))
            x = self.check_data(x, y)
            return x, data_checks.targets_for(x, y, weight), weight
        return self.check_data(validation_data)

    def _with_guard(self, callbacks: Any) -> Any:
        if not self.compiled:
            return callbacks  # Keras tells the user to call `compile`.
        guard = make_guard(self.nonfinite_patience, self.check_every)
        return with_guard(callbacks, guard, self)

    def evaluate(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int | None = None,
        verbose: Any = "auto",
        sample_weight: Any = None,
        **kwargs: Any,
    ) -> Any:
        """Evaluates as any Keras model does, after checking the data."""
        if not kwargs.get("_use_cached_eval_dataset"):
            x = self.check_data(x, y)
        return super().evaluate(
            x=x,
            y=data_checks.targets_for(x, y, sample_weight),
            batch_size=batch_size,
            verbose=verbose,
            sample_weight=sample_weight,
            **kwargs,
        )

    def train_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Trains on one batch as any Keras model does, after checking it."""
        x = self.check_data(x, y)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """Tests on one batch as any Keras model does, after checking it."""
        x = self.check_data(x, y)
        return super().test_on_batch(x, y, *args, **kwargs)


def is_seed(variable: Any) -> bool:
    """Whether a variable is the state of a random generator.

    It moves on even where a step is skipped, so that the next step draws
    other noise.
    """
    return variable.name == "seed_generator_state"


def _all_finite(tensors: list[Tensor]) -> Tensor:
    # A sum is finite only where all its terms are; it reads each tensor once
    # and allocates nothing.
    sums = [ops.cast(ops.sum(tensor), "float32") for tensor in tensors]
    return ops.all(ops.isfinite(ops.stack(sums))) if sums else True
