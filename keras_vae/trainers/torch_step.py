"""Steps on PyTorch: layer by layer at first, then as graphs."""

import collections
import logging
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from keras_vae.trainers import torch_draws
from keras_vae.types import Tensor

_LOGGER = logging.getLogger(__name__)
# Tracing takes as long as some hundred steps of a small model: a short
# training is over before, and a stream may bring new shapes for ever.
STEPS_BEFORE_TRACING = 10
MAX_GRAPHS = 4

Logs = dict[str, Tensor]


class GraphStep:
    """Runs a step of a model, by a graph for each shape of its batches.

    The first steps of a shape run layer by layer; then one is traced. A step
    that cannot be traced, or whose graph gives other values, runs layer by
    layer for ever.

    Args:
        step: The model's `train_step` or `test_step`.
        make_traced: Makes, from a batch, the object that traces the same
            step and runs its graph: a `TracedTraining` or a `TracedTest`.

    Attributes:
        traced: The objects by the shapes of their batches; `None` where the
            step runs layer by layer.
    """

    def __init__(self, step: Callable, make_traced: Callable) -> None:
        self.step, self.make_traced = step, make_traced
        self.seen: collections.Counter = collections.Counter()
        self.traced: dict[Any, Any] = {}

    def __call__(self, data: Any) -> Logs:
        """Runs the step on one batch and returns the logs."""
        leaves, structure = pytree.tree_flatten(data)
        if not all(_is_tensor(leaf) for leaf in leaves):
            return self.step(data)
        key = (structure, tuple((leaf.shape, leaf.dtype) for leaf in leaves))
        traced = self.traced.get(key)
        if traced is not None:
            return traced(leaves)
        if key not in self.traced and len(self.traced) < MAX_GRAPHS:
            self.seen[key] += 1
            if self.seen[key] > STEPS_BEFORE_TRACING:
                return self._traced_step(key, data)
        return self.step(data)

    def _traced_step(self, key: Any, data: Any) -> Logs:
        """Runs a step layer by layer, and traces it."""
        traced = self.make_traced(data)
        with torch_draws.recorded() as recorded:
            logs = self.step(data)
        self.traced[key] = None
        try:
            traced.trace(recorded)
        except Exception as error:  # PyTorch's own are of many kinds.
            _LOGGER.info("Steps run layer by layer: %s", error)
        else:
            self.traced[key] = traced
        return logs


def _is_tensor(leaf: Any) -> bool:
    return isinstance(leaf, torch.Tensor)
