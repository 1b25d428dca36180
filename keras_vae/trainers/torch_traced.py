"""What a traced step reads, computes and writes."""

from typing import Any

import torch
from torch.utils import _pytree as pytree

from keras_vae.trainers import torch_adam
from keras_vae.trainers.step import is_seed
from keras_vae.trainers.torch_draws import Recorder
from keras_vae.trainers.torch_graph import StepGraph
from keras_vae.types import Tensor

# The largest difference from a step layer by layer that rounding explains,
# relative to the largest element.
_TOLERANCE = 1e-4

Tensors = list[torch.Tensor]
Logs = dict[str, Tensor]


class TracedStep:
    """A step of a model as a graph. To be made before the first such step.

    Args:
        model: `TorchTrainer`, compiled.
        data: The first batch, nested.
    """

    def __init__(self, model: Any, data: Any) -> None:
        self.model = model
        batch, self.structure = pytree.tree_flatten(data)
        self.groups = self.variable_groups()
        self.state = [v.value.detach() for group in self.groups for v in group]
        self.random_state = torch.get_rng_state()
        self.before = [tensor.clone() for tensor in self.state] + batch
        self.metrics = [v.value.detach() for v in model.metrics_variables]

    def variable_groups(self) -> list[list[Any]]:
        """Returns the variables that the step reads."""
        raise NotImplementedError

    def compute(self, values: list[Tensors], data: Any) -> Any:
        """Computes the step from the groups' values and one batch.

        Returns:
            Nested tensors, the last of them the logs.
        """
        raise NotImplementedError

    def check(self, computed: Any) -> None:
        """Raises unless the first step gave the same, layer by layer.

        Args:
            computed: What the graph gave.
        """
        raise NotImplementedError

    def apply(self, outputs: Tensors) -> Logs:
        """Writes what a step computed, and returns the logs.

        Args:
            outputs: The tensors that `compute` returned, in a row.
        """
        raise NotImplementedError

    def trace(self, recorded: Recorder) -> None:
        """Makes the graph, after the first step was run layer by layer.

        Raises:
            ValueError: if the graph gave something else.
            Exception: of any kind where the step cannot be traced.
        """
        with torch.random.fork_rng(), torch.no_grad():
            torch.set_rng_state(self.random_state)
            self.graph = StepGraph(self._flat, self.before, recorded)
            torch.set_rng_state(self.random_state)
            outputs = self.graph.replayed(self.before, recorded.values)
        self.check(pytree.tree_unflatten(outputs, self.outputs))
        del self.before

    def __call__(self, batch: Tensors) -> Logs:
        """Runs the step on the leaves of one batch."""
        with torch.inference_mode():
            return self.apply(self.graph([*self.state, *batch]))

    def _flat(self, inputs: Tensors) -> Tensors:
        remaining = iter(inputs)
        values = [[next(remaining) for _ in group] for group in self.groups]
        data = pytree.tree_unflatten(list(remaining), self.structure)
        computed = self.compute(values, data)
        self.log_names = list(computed[-1])
        outputs, self.outputs = pytree.tree_flatten(computed)
        if not all(isinstance(output, torch.Tensor) for output in outputs):
            raise NotImplementedError("a weight has no gradient")
        return outputs

    def _logs(self, outputs: Tensors) -> Logs:
        return dict(zip(self.log_names, outputs, strict=True))


class TracedTraining(TracedStep):
    """A training step: forward, backward and metrics in the graph."""

    def __init__(self, model: Any, data: Any) -> None:
        super().__init__(model, data)
        weights, statistics, _, _ = self.groups
        self.weights = weights
        # Seeds move on in the draws, before the graph is run.
        self.kept = [i for i, v in enumerate(statistics) if not is_seed(v)]
        self.written = [statistics[i].value.detach() for i in self.kept]
        self.written += self.metrics
        self.fused = torch_adam.fused_update(model.optimizer, weights)

    def variable_groups(self) -> list[list[Any]]:
        """Returns the variables that the step reads, in groups."""
        model = self.model
        return [
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
            model.metrics_variables,
        ]

    def compute(self, values: list[Tensors], data: Any) -> Any:
        """Computes the step from the groups' values and one batch."""
        weights, statistics, optimizer, metrics = values
        model = self.model
        weights = [weight.detach().requires_grad_() for weight in weights]
        with torch.enable_grad():
            loss, (result, forward) = model.scaled_loss(
                weights, statistics, optimizer, data
            )
            gradients = torch.autograd.grad(loss, weights, allow_unused=True)
        finite, bits = model.finite_step(result, gradients)
        forward = model.settle(finite, bits, forward, statistics)
        logs, metrics = model.track(metrics, result, data, finite)
        written = [forward[i] for i in self.kept] + metrics
        return list(gradients), finite, written, logs

    def check(self, computed: Any) -> None:
        """Raises unless the first step gave the same, layer by layer."""
        gradients, _, written, _ = computed
        _check_same(gradients, [w.value.grad for w in self.weights])
        _check_same(written, self.written)
        for weight in self.weights:
            weight.value.grad = None

    def apply(self, outputs: Tensors) -> Logs:
        """Writes what a step computed, and returns the logs."""
        count = len(self.weights)
        gradients, finite = outputs[:count], outputs[count]
        written, logs = _split(outputs[count + 1 :], len(self.written))
        torch._foreach_copy_(self.written, written)
        if self.fused is None:
            self.model.apply_gradients(gradients, self.weights, finite)
        elif finite:
            self.fused(gradients)
        return self._logs(logs)


class TracedTest(TracedStep):
    """A test step."""

    def variable_groups(self) -> list[list[Any]]:
        """Returns the variables that the step reads, in groups."""
        model = self.model
        return [
            model.trainable_variables,
            model.non_trainable_variables,
            model.metrics_variables,
        ]

    def compute(self, values: list[Tensors], data: Any) -> Any:
        """Computes the step from the groups' values and one batch."""
        weights, statistics, metrics = values
        result, _ = self.model.run_stateless(weights, statistics, data, False)
        logs, metrics = self.model.track(metrics, result, data, None)
        return metrics, logs

    def check(self, computed: Any) -> None:
        """Raises unless the first step gave the same, layer by layer."""
        _check_same(computed[0], self.metrics)

    def apply(self, outputs: Tensors) -> Logs:
        """Writes what a step computed, and returns the logs."""
        metrics, logs = _split(outputs, len(self.metrics))
        torch._foreach_copy_(self.metrics, metrics)
        return self._logs(logs)


def _split(tensors: Tensors, count: int) -> tuple[Tensors, Tensors]:
    return tensors[:count], tensors[count:]


def _check_same(traced: Any, expected: Any) -> None:
    for one, other in zip(traced, expected, strict=True):
        if one is None and other is None:
            continue
        if one is None or other is None or not _close(one, other):
            raise ValueError("the graph gives other values than the layers")


def _close(one: torch.Tensor, other: torch.Tensor) -> bool:
    scale = float(other.abs().max()) if other.numel() else 0.0
    return torch.allclose(
        one.double(),
        other.double(),
        rtol=_TOLERANCE,
        atol=_TOLERANCE * scale,
        equal_nan=True,
    )
