"""Training or test steps in one loop of a TensorFlow function."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from keras_vae.trainers import batches as batch_runs

Logs = dict[str, tf.Tensor]


class Loop:
    """Steps one after another, without Python between them.

    Args:
        step: Function of the examples and one of the `inputs` that returns
            the logs.
        logs: What it returns, traced.
        num_steps: Integer, how many steps a loop runs at most.
        jit_compile: Boolean, whether XLA compiles it; `None` where not.

    Attributes:
        num_steps: As above.
    """

    def __init__(
        self,
        step: Callable,
        logs: Logs,
        num_steps: int,
        jit_compile: bool | None = None,
    ) -> None:
        self.num_steps = num_steps
        self._step, self._logs = step, logs
        self._loop = tf.function(
            tf.autograph.experimental.do_not_convert(self._run),
            jit_compile=jit_compile,
        )

    def __call__(self, examples: Any, run: list[Any]) -> Logs:
        """Runs a step for each batch; returns the logs of the last.

        Args:
            examples: Tensor that batches are gathered from.
            run: List of batches of the same shapes.
        """
        logs: Logs = {}
        for start in range(0, len(run), self.num_steps):
            part = run[start : start + self.num_steps]
            count = tf.constant(len(part))
            logs = self._loop(examples, self.inputs(part), count)
        return logs

    def trace(self, examples: Any, batch: Any) -> None:
        """Traces the loop, and runs nothing.

        Args:
            examples: Tensor that batches are gathered from.
            batch: A batch of those that are to come.
        """
        inputs = stacked([batch], self.num_steps)
        self._loop.get_concrete_function(examples, inputs, tf.constant(1))

    def inputs(self, run: list[Any]) -> Any:
        """Returns what steps are given, with a leading axis of `num_steps`.

        Args:
            run: List of at most as many batches.
        """
        return stacked(run, self.num_steps)

    def _run(self, examples: Any, inputs: Any, count: Any) -> Logs:
        def body(index: tf.Tensor, _: Logs) -> tuple[tf.Tensor, Logs]:
            one = tf.nest.map_structure(lambda part: part[index], inputs)
            return index + 1, self._step(examples, one)

        logs = tf.nest.map_structure(
            lambda x: tf.zeros(x.shape, x.dtype), self._logs
        )
        return tf.while_loop(
            lambda index, _: index < count,
            body,
            (tf.constant(0), logs),
            parallel_iterations=1,
        )[1]


def stacked(run: list[Any], num_steps: int) -> Any:
    """Returns one batch with a leading axis of steps, filled up behind.

    It always has as many, so that one loop is traced.

    Args:
        run: List of batches of the same shapes.
        num_steps: Integer, at least as many.
    """
    same = batch_runs.padded(run, num_steps)
    return tf.nest.map_structure(_stacked_parts, *same)


def _stacked_parts(*parts: Any) -> tf.Tensor:
    if all(isinstance(part, np.ndarray) for part in parts):
        return tf.constant(np.stack(parts))  # One conversion, not one each.
    return tf.stack(parts)


def nodes(traced: Any) -> list[Any]:
    """Returns the nodes of a traced function's graph and its functions.

    Args:
        traced: A concrete function.
    """
    graph = traced.graph.as_graph_def()
    inner = graph.library.function
    return [*graph.node, *(node for f in inner for node in f.node_def)]
