"""Functions on JAX that are called again and again, outside of steps."""

import collections
from collections.abc import Callable
from typing import Any

import jax
import keras

from keras_vae.trainers import batches
from keras_vae.types import Tensor

# To compile log p(x) takes as long as a hundred calls of a small network save,
# or ten of a convolutional one.
CALLS_BEFORE = 20


class Repeated:
    """A function of tensors, compiled once it was called some times.

    What is not compiled JAX runs operation by operation, each of which reads
    and writes memory: log p(x) from 5,000 samples took more than twice as long.

    Args:
        function: Function of tensors that reads variables and changes none.
        variables: The variables that it may read.

    Attributes:
        calls: How often it was called, by the tensors' shapes.
    """

    def __init__(
        self, function: Callable[..., Tensor], variables: list[Any]
    ) -> None:
        self.calls: collections.Counter = collections.Counter()
        self._function, self._variables = function, variables

        def compiled(
            values: list[Tensor], tensors: tuple[Tensor, ...]
        ) -> Tensor:
            mapping = list(zip(variables, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return function(*tensors)

        self._compiled = jax.jit(compiled)

    def __call__(self, *tensors: Tensor) -> Tensor:
        """Returns what the function does."""
        kind = batches.kind(tensors)
        self.calls[kind] += 1
        if self.calls[kind] <= CALLS_BEFORE:
            return self._function(*tensors)
        values = [variable.value for variable in self._variables]
        return self._compiled(values, tensors)
