"""The PyTorch half of a VAE's training."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch

from keras_vae.trainers.resident import gathered
from keras_vae.trainers.stateless import StatelessTrainer
from keras_vae.trainers.torch_step import GraphStep
from keras_vae.trainers.torch_traced import TracedTest, TracedTraining
from keras_vae.types import Tensor


class TorchTrainer(StatelessTrainer):
    """Trains with `loss.backward()` and the Keras optimizer."""

    def train_step(self, data: Any) -> dict[str, Tensor]:
        """Runs one training step and returns the logs.

        Args:
            data: `x`, `(x, y)` or `(x, y, sample_weight)`.
        """
        undoable = _snapshot(self.undoable_variables())
        self.zero_grad()
        result = self.run_objective(data, training=True)
        weights = self.trainable_weights
        self.optimizer.scale_loss(result.loss).backward()
        gradients = [v.value.grad for v in weights]
        with torch.no_grad():
            finite, bits = self.finite_step(result, gradients)
            self.apply_gradients(gradients, weights, finite)
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

    def apply_gradients(
        self, gradients: list[Tensor], weights: list[Any], finite: Tensor
    ) -> None:
        """Updates the weights where the step is finite.

        On a CPU the answer is at hand. Elsewhere asking for it would stall
        the device at every step: the update is made, and undone there.
        """
        if finite.device.type == "cpu":
            if bool(finite):
                self.optimizer.apply(gradients, weights)
            return
        before = _snapshot([*weights, *self.optimizer.variables])
        self.optimizer.apply(gradients, weights)
        _restore(before, finite)

    def sum_of(self, tensor: Tensor) -> Tensor:
        """Returns the sum of all values, which PyTorch makes on all threads."""
        return torch.sum(tensor) if tensor.ndim else tensor

    @contextlib.contextmanager
    def _grouped(self, *args: Any) -> Iterator[None]:
        *_, options = args
        steps = options.get("steps_per_epoch")
        with super()._grouped(*args), self._short_last_execution(steps):
            yield

    def evaluate(self, *args: Any, **kwargs: Any) -> Any:
        """Evaluates as on the other backends."""
        with self._short_last_execution(kwargs.get("steps")):
            return super().evaluate(*args, **kwargs)

    def predict(self, *args: Any, **kwargs: Any) -> Any:
        """Predicts as on the other backends."""
        with self._short_last_execution(kwargs.get("steps")):
            return super().predict(*args, **kwargs)

    @contextlib.contextmanager
    def _short_last_execution(self, steps: int | None) -> Iterator[None]:
        """Silences Keras where the last execution of an epoch is short.

        Its iterator for PyTorch warns then that the data ran out, which is
        true only where the caller asked for a number of steps.
        """
        with warnings.catch_warnings():
            if steps is None and (self.steps_per_execution or 1) > 1:
                warnings.filterwarnings("ignore", "Your input ran out of data")
            yield

    @property
    def groups_steps(self) -> bool:
        """Whether several steps in one call are faster on this backend.

        Keras tells callbacks of each call in another thread, though none
        listens, and both cores are busy.
        """
        return self.takes_fast_path

    def index_batches(self) -> Any:
        """Returns the `IndexBatches` of this backend."""
        from keras_vae.trainers.torch_batches import TorchBatches

        return TorchBatches

    # Created by Keras's own trainer, reset by `compile`.
    train_function: Callable | None
    test_function: Callable | None
    predict_function: Callable | None

    def make_train_function(self, force: bool = False) -> Callable:
        """Makes the function that runs `steps_per_execution` train steps."""
        if self.train_function is None or force:
            self.train_function = self._loop(
                self._fast(self.train_step, TracedTraining),
                lambda: self.resident.training,
            )
        return self.train_function

    def make_test_function(self, force: bool = False) -> Callable:
        """Makes the function that runs `steps_per_execution` test steps."""
        if self.test_function is None or force:
            self.test_function = _without_gradients(
                self._loop(
                    self._fast(self.test_step, TracedTest),
                    lambda: self.resident.validation,
                )
            )
        return self.test_function

    def make_predict_function(self, force: bool = False) -> Callable:
        """Makes the function that predicts `steps_per_execution` batches."""
        if self.predict_function is None or force:
            step = self._compiled(self.predict_step)

            def predict(batches: list[Any]) -> Tensor:
                return torch.cat([step(batch) for batch in batches])

            self.predict_function = _without_gradients(predict)
        return self.predict_function

    def _compiled(self, step: Callable) -> Callable:
        return torch.compile(step) if self.jit_compile else step

    def _fast(self, step: Callable, traced_kind: type) -> Callable:
        """Returns the step as it runs fastest, where that is safe."""
        kind = type(self)
        is_ours = getattr(kind, step.__name__) is getattr(
            TorchTrainer, step.__name__
        )
        if not is_ours or self.jit_compile or not self.takes_fast_path:
            return self._compiled(step)
        return GraphStep(step, lambda data: traced_kind(self, data))

    def _loop(self, step: Callable, examples: Callable) -> Callable:
        # Keras refuses `steps_per_execution` above 1 on PyTorch.
        def run(batches: list[Any]) -> dict[str, Tensor]:
            logs = {}
            for batch in batches:
                logs = step(gathered(batch, examples(), _take))
            return logs

        return run


def _take(examples: torch.Tensor, indices: torch.Tensor) -> torch.Tensor:
    return examples.index_select(0, indices)


def _snapshot(variables: list[Any]) -> list[tuple[Tensor, Tensor]]:
    return [(v.value, v.value.detach().clone()) for v in variables]


def _restore(snapshot: list[tuple[Tensor, Tensor]], finite: Tensor) -> None:
    for value, before in snapshot:
        value.data.copy_(torch.where(finite, value.data, before))


def _without_gradients(function: Callable) -> Callable:
    def run(batches: list[Any]) -> Any:
        with torch.no_grad():
            return function(batches)

    return run
