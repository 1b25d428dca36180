"""The guard against non-finite steps: count them, and stop a run of them."""

import warnings
from typing import Any

import keras

# Bits of the VAE's `nonfinite_terms` weight.
TERM_BITS = {"log_likelihood": 1, "kl": 2, "loss": 4, "gradients": 8}

# Below it, scaling would make gradients underflow rather than keep them.
LEAST_LOSS_SCALE = 1.0


def describe_terms(bits: int) -> str:
    """Names the terms whose bits are set: `"log_likelihood and kl"`."""
    names = [name for name, bit in TERM_BITS.items() if bits & bit]
    if {"log_likelihood", "kl"} & set(names):
        names = [name for name in names if name in ("log_likelihood", "kl")]
    return " and ".join(names) or "loss"


class NonFiniteGuard(keras.callbacks.Callback):
    """Reads the counts of skipped steps at the end of each epoch.

    Args:
        patience: Integer, consecutive skipped steps that stop training.

    Raises:
        FloatingPointError: from `fit`, after `patience` consecutive steps
            were not finite; the message names the term. With a loss-scaling
            optimizer, also where its scale has fallen below 1.
    """

    def __init__(self, patience: int) -> None:
        super().__init__()
        self.patience = patience
        self._reported = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Starts from the model's count, which a loaded model brings."""
        self._reported = self._read("nonfinite_steps")

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Stops after a run of skipped steps, warns of others."""
        self._stop_after_a_run()
        total = self._read("nonfinite_steps")
        if total > self._reported:
            warnings.warn(
                f"Epoch {epoch + 1}: {total - self._reported} training steps "
                "were not finite and were skipped (last in "
                f"{describe_terms(self._read('nonfinite_terms'))}).",
                stacklevel=2,
            )
            self._reported = total

    def _read(self, name: str) -> int:
        return int(keras.ops.convert_to_numpy(getattr(self.model, name)))

    def _stop_after_a_run(self) -> None:
        self._stop_below_the_least_scale()
        run = self._read("nonfinite_run")
        if run < self.patience:
            return
        terms = describe_terms(self._read("nonfinite_terms"))
        raise FloatingPointError(
            "Training steps must be finite. Received: the last "
            f"{run} steps had a non-finite {terms}; they were skipped and "
            "the weights are those before them. Lower the learning rate, "
            "e.g. `compile(optimizer=keras.optimizers.Adam(1e-4))`, or clip "
            "gradients with `keras.optimizers.Adam(clipnorm=1.0)`."
        )

    def _stop_below_the_least_scale(self) -> None:
        """Stops where loss scaling goes on for ever, and nothing is learnt.

        Skipped steps are its business, so they are not counted as faults.
        """
        optimizer = self.model.optimizer
        if not isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
            return
        value = float(keras.ops.convert_to_numpy(optimizer.dynamic_scale))
        if value >= min(LEAST_LOSS_SCALE, optimizer.initial_scale):
            return
        raise FloatingPointError(
            "Loss scaling must find gradients that float16 can hold. "
            f"Received: a loss scale of {value:g}, which was halved at each "
            "step whose gradients were not finite; those steps were skipped. "
            "Train in bfloat16, e.g. `mlp_encoder(..., "
            'dtype="mixed_bfloat16")`, or in float32.'
        )


class FrequentNonFiniteGuard(NonFiniteGuard):
    """A `NonFiniteGuard` that also looks every `check_every` steps.

    Args:
        patience: Integer, consecutive skipped steps that stop training.
        check_every: Integer, steps between two looks.
    """

    def __init__(self, patience: int, check_every: int) -> None:
        super().__init__(patience)
        self.check_every = check_every
        self._next_look = check_every

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Counts the steps of the new epoch from 0."""
        self._next_look = self.check_every

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Looks at the count where `check_every` steps have passed."""
        if batch + 1 >= self._next_look:
            self._next_look = batch + 1 + self.check_every
            self._stop_after_a_run()


def with_guard(callbacks: Any, guard: NonFiniteGuard, model: Any) -> Any:
    """Returns what `fit` takes as `callbacks`, with the guard at its end."""
    if isinstance(callbacks, keras.callbacks.CallbackList):
        return keras.callbacks.CallbackList(
            [*callbacks.callbacks, guard], model=model, **callbacks.params
        )
    if isinstance(callbacks, keras.callbacks.Callback):
        callbacks = [callbacks]
    return [*(callbacks or []), guard]


def make_guard(patience: int, check_every: int | None) -> NonFiniteGuard:
    """Returns the guard that `compile`'s arguments ask for."""
    if check_every is None:
        return NonFiniteGuard(patience)
    return FrequentNonFiniteGuard(patience, check_every)
