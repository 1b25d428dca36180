"""Steps on JAX: several in one compiled loop, from examples on the device."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from keras_vae.trainers.resident import gathered

Logs = dict[str, jax.Array]
Step = Callable[[Any, Any], tuple[Logs, Any]]


class Execution:
    """Runs up to `num_steps` steps of a model in one call of the device.

    Keras calls a compiled step several times in Python. Here equal batches
    go through one compiled `jax.lax.scan`.

    Args:
        step: Function of the state and a batch that returns the logs and the
            new state.
        examples: Function that returns the array that batches are gathered
            from, or `None` where they come as they are.
        num_steps: Positive integer, Keras's `steps_per_execution`.
    """

    def __init__(
        self, step: Step, examples: Callable[[], Any], num_steps: int
    ) -> None:
        self.examples, self.num_steps = examples, num_steps

        def one(state: Any, examples: Any, batch: Any) -> tuple[Logs, Any]:
            return step(state, gathered(batch, examples, _take))

        def many(
            state: Any, examples: Any, batches: list[Any]
        ) -> tuple[Logs, Any]:
            # The logs are those of all steps so far: the last are enough.
            def body(carry: Any, batch: Any) -> tuple[Any, None]:
                logs, state = one(carry[1], examples, batch)
                return (logs, state), None

            first = one(state, examples, batches[0])
            rest = jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches[1:])
            return jax.lax.scan(body, first, rest)[0]

        self._one = jax.jit(one, donate_argnums=0)
        self._many = jax.jit(many, donate_argnums=0)

    def __call__(self, state: Any, iterator: Iterator) -> tuple[Logs, Any]:
        """Runs what the iterator still holds, at most `num_steps` steps.

        Raises:
            StopIteration: if it holds nothing.
        """
        batches = [next(iterator)]
        while len(batches) < self.num_steps:
            batch = next(iterator, None)
            if batch is None:
                break
            batches.append(batch)
        examples = self.examples()
        logs: Logs = {}
        for run in _equal_runs(batches):
            if len(run) == 1:
                logs, state = self._one(state, examples, run[0])
            else:
                logs, state = self._many(state, examples, run)
        return logs, state


def _take(examples: jax.Array, indices: jax.Array) -> jax.Array:
    return examples.at[indices].get(mode="clip")


def _equal_runs(batches: list[Any]) -> Iterator[list[Any]]:
    """Splits batches where their shapes change: the last may be short."""
    run: list[Any] = []
    for batch in batches:
        if run and _kind(run[-1]) != _kind(batch):
            yield run
            run = []
        run.append(batch)
    yield run


def _kind(batch: Any) -> Any:
    leaves, structure = jax.tree.flatten(batch)
    return structure, [(leaf.shape, leaf.dtype) for leaf in leaves]
