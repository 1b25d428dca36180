"""A loop of training steps that XLA compiles for a CPU."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.distributions import noise
from keras_vae.trainers import batches as batch_runs

Logs = dict[str, tf.Tensor]

_DRAWS = ("Random", "Multinomial", "Rng")
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


class CompiledSteps:
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
        self.operations = _operations(traced.graph.as_graph_def())
        size = 4 * sum(math.prod(draw.shape) for draw in self.draws)
        size += sum(np.asarray(part).nbytes for part in tf.nest.flatten(batch))
        self.num_steps = min(num_steps, max(1, _LIMIT // size))
        self._logs = traced.structured_outputs
        self._step = step
        self._noise = tf.function(self._draw)
        self._loop = tf.function(
            tf.autograph.experimental.do_not_convert(self._run),
            jit_compile=True,
        )

    def __call__(self, examples: Any, run: list[Any]) -> Logs:
        """Runs a step for each batch; returns the logs of the last.

        Args:
            examples: Tensor that batches are gathered from.
            run: List of batches.
        """
        logs: Logs = {}
        for start in range(0, len(run), self.num_steps):
            part = run[start : start + self.num_steps]
            # Always as many, so that one loop is compiled.
            batches = _stacked(part, self.num_steps)
            count = tf.constant(len(part))
            drawn = self._noise(count)
            logs = self._loop(examples, batches, drawn, count)
        return logs

    def convert(self, examples: Any, batch: Any) -> None:
        """Has XLA take the loop, and runs nothing.

        Raises:
            tf.errors.OpError: if XLA has none of an operation of the step.
        """
        batches = _stacked([batch], self.num_steps)
        drawn = [tf.zeros((self.num_steps, *d.shape)) for d in self.draws]
        self._loop.experimental_get_compiler_ir(
            examples, batches, drawn, tf.constant(1)
        )(stage="hlo")

    @tf.autograph.experimental.do_not_convert
    def _draw(self, count: tf.Tensor) -> list[tf.Tensor]:
        """Returns the noise of `count` steps, then zeros."""

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

    def _run(
        self, examples: Any, batches: Any, drawn: list[Any], count: Any
    ) -> Logs:
        def body(index: tf.Tensor, _: Logs) -> tuple[tf.Tensor, Logs]:
            batch = tf.nest.map_structure(lambda part: part[index], batches)
            with noise.played([values[index] for values in drawn]):
                return index + 1, self._step(examples, batch)

        logs = tf.nest.map_structure(
            lambda x: tf.zeros(x.shape, x.dtype), self._logs
        )
        return tf.while_loop(
            lambda index, _: index < count, body, (tf.constant(0), logs)
        )[1]


def _stacked(run: list[Any], num_steps: int) -> Any:
    """Returns one batch with a leading axis of steps, filled up behind."""
    same = batch_runs.padded(run, num_steps)
    return tf.nest.map_structure(_stacked_parts, *same)


def _stacked_parts(*parts: Any) -> tf.Tensor:
    if all(isinstance(part, np.ndarray) for part in parts):
        return tf.constant(np.stack(parts))  # One conversion, not one each.
    return tf.stack(parts)


def _operations(graph: Any) -> set[str]:
    """Returns the kinds of operations in a graph and its functions."""
    functions = graph.library.function
    nodes = [*graph.node, *(n for f in functions for n in f.node_def)]
    return {node.op for node in nodes}
