"""A loop of training steps that XLA compiles for a CPU."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.distributions import noise
from keras_vae.trainers.tensorflow_loop import Logs, Loop, nodes, stacked

_DRAWS = ("Random", "TruncatedNormal", "Multinomial", "Rng")
# XLA's are slower on a CPU than TensorFlow's.
_SLOW = ("Conv2D", "Conv3D", "DepthwiseConv", "Pool")
_LIMIT = 2**26  # Bytes of noise and batches that a loop is given.


def refusal(operations: set[str]) -> str:
    """Says why XLA should not compile a step; nothing where it should.

    Args:
        operations: The kinds of TensorFlow's operations in the step, its
            standard noise left out.
    """
    draws = sorted(op for op in operations if any(d in op for d in _DRAWS))
    if draws:
        return f"it would draw other random numbers in {draws}"
    slow = sorted(op for op in operations if op.startswith(_SLOW))
    return f"it is slower at {slow}" if slow else ""


class CompiledSteps(Loop):
    """Steps in one loop, each from its noise, which is drawn before.

    Args:
        step: Function of the examples and a batch that returns the logs.
        examples: Tensor that batches are gathered from.
        batch: A batch of those that are to come; all have its shapes.
        num_steps: Integer, how many steps a loop runs at most.

    Attributes:
        draws: The standard noise of one step, a `noise.Draw` each.
        num_steps: `num_steps`, or fewer where their noise and batches would
            take more than 64 MiB.
        operations: The kinds of TensorFlow's operations in a step.
    """

    def __init__(
        self, step: Callable, examples: Any, batch: Any, num_steps: int
    ) -> None:
        with noise.recorded() as self.draws:
            traced = tf.function(
                tf.autograph.experimental.do_not_convert(step)
            ).get_concrete_function(examples, batch)
        self.operations = {node.op for node in nodes(traced)}
        size = 4 * sum(math.prod(draw.shape) for draw in self.draws)
        size += sum(np.asarray(part).nbytes for part in tf.nest.flatten(batch))
        num_steps = min(num_steps, max(1, _LIMIT // size))
        logs = traced.structured_outputs
        super().__init__(_playing(step), logs, num_steps, jit_compile=True)
        self._noise = tf.function(self._draw)

    def trace(self, examples: Any, batch: Any) -> None:
        """Has XLA take the loop, and runs nothing.

        Raises:
            tf.errors.OpError: if XLA has none of an operation of the step.
        """
        drawn = [tf.zeros((self.num_steps, *d.shape)) for d in self.draws]
        inputs = stacked([batch], self.num_steps), drawn
        self._loop.experimental_get_compiler_ir(
            examples, inputs, tf.constant(1)
        )(stage="hlo")

    def inputs(self, run: list[Any]) -> tuple[Any, list[tf.Tensor]]:
        """Returns the batches, and the noise of as many steps, then zeros.

        Args:
            run: List of at most `num_steps` batches.
        """
        return super().inputs(run), self._noise(tf.constant(len(run)))

    @tf.autograph.experimental.do_not_convert
    def _draw(self, count: tf.Tensor) -> list[tf.Tensor]:
        def draw(_: tf.Tensor) -> list[tf.Tensor]:
            return [draw() for draw in self.draws]

        kinds = [tf.TensorSpec(draw.shape, tf.float32) for draw in self.draws]
        if not kinds:
            return []
        drawn = tf.map_fn(draw, tf.range(count), fn_output_signature=kinds)
        left = self.num_steps - count
        return [
            tf.pad(values, [[0, left], *[[0, 0]] * len(draw.shape)])
            for values, draw in zip(drawn, self.draws, strict=True)
        ]


def _playing(step: Callable) -> Callable:
    """Returns a step of the examples, and of a batch and its noise."""

    def playing(examples: Any, inputs: tuple[Any, list[tf.Tensor]]) -> Logs:
        batch, drawn = inputs
        with noise.played(drawn):
            return step(examples, batch)

    return playing
