"""Steps on JAX: several in one compiled loop, from examples on the device."""

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp

from keras_vae.trainers import batches as batch_runs
from keras_vae.trainers.jax_noise import StepNoise
from keras_vae.trainers.resident import gathered

Logs = dict[str, jax.Array]
Step = Callable[[Any, Any], tuple[Logs, Any]]


class Execution:
    """Runs several steps of a model in one call of the device.

    Keras calls a compiled step several times in Python. Here equal batches
    go through one compiled loop, whatever their number, with their standard
    noise drawn before it.

    Args:
        step: Function of the state and a batch that returns the logs and the
            new state.
        examples: Function that returns the array that batches are gathered
            from, or `None` where they come as they are.
        num_steps: Function that returns Keras's `steps_per_execution`.
        loops: Function that returns whether steps are as fast in a loop.
        variables: Function that returns the non-trainable variables, whose
            values are the second part of the state.
    """

    def __init__(
        self,
        step: Step,
        examples: Callable[[], Any],
        num_steps: Callable[[], int],
        loops: Callable[[], bool],
        variables: Callable[[], list[Any]],
    ) -> None:
        self.examples, self.num_steps = examples, num_steps
        self.loops, self.variables = loops, variables

        def one(state: Any, examples: Any, batch: Any) -> tuple[Logs, Any]:
            return step(state, gathered(batch, examples, _take))

        def many(
            state: Any, examples: Any, batches: list[Any], count: int
        ) -> tuple[Logs, Any]:
            stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *batches)
            ahead = StepNoise(
                lambda state: one(state, examples, batches[0]),
                state,
                self.variables(),
                len(batches),
            )
            drawn, seeds = ahead.drawn(state)

            # The logs are those of all steps so far: the last are enough.
            def body(index: Any, carry: Any) -> tuple[Logs, Any]:
                batch = jax.tree.map(lambda leaf: leaf[index], stacked)
                with ahead.played(drawn, index):
                    return one(carry[1], examples, batch)

            logs = jax.tree.map(
                lambda x: jnp.zeros(x.shape, x.dtype), ahead.logs
            )
            logs, state = jax.lax.fori_loop(0, count, body, (logs, state))
            return logs, ahead.with_seeds(state, seeds, count)

        self._one = jax.jit(one, donate_argnums=0)
        self._many = jax.jit(many, donate_argnums=0)

    def __call__(self, state: Any, iterator: Iterator) -> tuple[Logs, Any]:
        """Runs what the iterator still holds, at most `num_steps` steps.

        Raises:
            StopIteration: if it holds nothing.
        """
        num_steps = self.num_steps()
        examples = self.examples()
        logs: Logs = {}
        batches = batch_runs.taken(iterator, num_steps)
        for run in batch_runs.equal_runs(batches):
            if len(run) == 1 or not self.loops():
                for batch in run:
                    logs, state = self._one(state, examples, batch)
                continue
            # Always as many, so that one loop is compiled.
            same = batch_runs.padded(run, num_steps)
            logs, state = self._many(state, examples, same, len(run))
        return logs, state


def _take(examples: jax.Array, indices: jax.Array) -> jax.Array:
    return examples.at[indices].get(mode="clip")
