"""The standard noise of several steps on JAX, drawn before they run.

JAX draws in a loop of its own, which took a twentieth of the step of a small
network on a CPU; the draws of many steps at once take little more than one.
"""

import contextlib
import math
from collections.abc import Callable
from typing import Any

import jax
import keras

from keras_vae.distributions import noise
from keras_vae.trainers.stateless import Values, current
from keras_vae.types import Tensor

_LIMIT = 2**26  # Bytes of noise that a call may keep.


class StepNoise:
    """The noise that a step asks for. To be made where steps are traced.

    Args:
        step: Function of the state that returns the logs and the new state,
            whose second part are the non-trainable variables' values.
        state: What the step is given.
        variables: The non-trainable variables.
        num_steps: Integer, how many steps are to run.

    Attributes:
        logs: What the step returns of its logs, shapes alone.
    """

    def __init__(
        self,
        step: Callable[[Any], tuple[Any, Any]],
        state: Any,
        variables: list[Any],
        num_steps: int,
    ) -> None:
        self.num_steps = num_steps
        with noise.recorded() as draws:
            jaxpr, (self.logs, shapes) = jax.make_jaxpr(
                step, return_shape=True
            )(state)
        places = {id(variable): i for i, variable in enumerate(variables)}
        size = 4 * num_steps * sum(math.prod(draw.shape) for draw in draws)
        if size > _LIMIT or any(id(d.seed.state) not in places for d in draws):
            draws = []
        found = {places[id(draw.seed.state)] for draw in draws}
        # A seed that other draws move on as well has its own order of draws.
        if found & _moved(jaxpr, state, (self.logs, shapes)):
            draws, found = [], set()
        self.draws = draws
        self.places = sorted(found)
        self.seeds = [variables[i] for i in self.places]

    def drawn(self, state: Any) -> tuple[list[Tensor], list[Tensor]]:
        """Returns the noise of all steps, and the seeds before each.

        Args:
            state: What the first step is given.

        Returns:
            Tensors `(num_steps, ...)`, one for each draw of a step, and
            `(num_steps + 1, 2)`, one for each seed.
        """
        values = [state[1][place] for place in self.places]
        _, seeds = jax.lax.scan(
            lambda values, _: (self._draw(values)[1], values),
            values,
            length=self.num_steps + 1,
        )
        first = [seed[:-1] for seed in seeds]
        draw = jax.vmap(
            lambda values: self._draw(values)[0], axis_size=self.num_steps
        )
        return draw(first), seeds

    def played(
        self, drawn: list[Tensor], index: Tensor
    ) -> contextlib.AbstractContextManager[None]:
        """Gives a step its noise.

        Args:
            drawn: What `drawn` returned first.
            index: Integer scalar, the number of the step.
        """
        if not self.draws:
            return contextlib.nullcontext()
        return noise.played([values[index] for values in drawn])

    def with_seeds(self, state: Any, seeds: list[Tensor], count: Tensor) -> Any:
        """Returns a state whose seeds are those after `count` steps.

        Args:
            state: What the last step returned.
            seeds: What `drawn` returned second.
            count: Integer scalar.
        """
        values = list(state[1])
        for place, seed in zip(self.places, seeds, strict=True):
            values[place] = seed[count]
        return (state[0], values, *state[2:])

    def _draw(self, values: Values) -> tuple[list[Tensor], Values]:
        """Draws the noise of one step; returns it, and the seeds after."""
        mapping = list(zip(self.seeds, values, strict=True))
        with keras.StatelessScope(state_mapping=mapping) as scope:
            drawn = [draw() for draw in self.draws]
            return drawn, current(scope, self.seeds)


def _moved(jaxpr: Any, state: Any, outputs: Any) -> set[int]:
    """Returns which non-trainable variables a step gives a new value."""
    before = jax.tree.unflatten(jax.tree.structure(state), jaxpr.jaxpr.invars)
    after = jax.tree.unflatten(
        jax.tree.structure(outputs), jaxpr.jaxpr.outvars
    )[1]
    pairs = zip(before[1], after[1], strict=True)
    return {place for place, (a, b) in enumerate(pairs) if a is not b}
