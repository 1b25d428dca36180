"""Steps on TensorFlow: from examples in memory, many in one call."""

import collections
import logging
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from keras_vae.trainers import batches as batch_runs
from keras_vae.trainers.resident import gathered
from keras_vae.trainers.tensorflow_loop import Logs, Loop, nodes
from keras_vae.trainers.tensorflow_xla import CompiledSteps, refusal

_LOGGER = logging.getLogger(__name__)
# A loop takes as long to make as some hundred steps save: a short training is
# over before, and each `fit` may bring new shapes.
STEPS_BEFORE_LOOP = 100
MAX_LOOPS = 4

Step = Callable[[Any], Logs]


class Execution:
    """Runs several steps of a model in one call from Python.

    Where Keras gives batches of indices, the step gathers its examples. The
    first steps run one by one; then many in one loop. It is of `xla_step`,
    compiled by XLA, from noise that TensorFlow drew: XLA's own would be other
    noise under the same seed, and slower. Where XLA should not have it, it is
    of `step`, as TensorFlow's own operations.

    Args:
        step: The model's `train_step` or `test_step`.
        xla_step: The same, as XLA is to compile it, or `None`.
        examples: Function that returns the tensor that batches are gathered
            from, or `None` where they come as they are.
        num_steps: Function that returns Keras's `steps_per_execution`.
        otherwise: Keras's function of an iterator, for other batches.

    Attributes:
        loops: The loops, by the shapes of their batches and their steps;
            `None` where there is none.
        seen: How many steps ran one by one before, by the shapes.
    """

    def __init__(
        self,
        step: Step,
        xla_step: Step | None,
        examples: Callable[[], Any],
        num_steps: Callable[[], int],
        otherwise: Callable,
    ) -> None:
        self.step, self.xla_step = step, xla_step
        self.examples, self.num_steps = examples, num_steps
        self.otherwise = otherwise
        self.loops: dict[Any, Loop | None] = {}
        self.seen: collections.Counter = collections.Counter()
        self._one = tf.function(_gathering(step), reduce_retracing=True)

    def __call__(self, iterator: Iterator) -> Any:
        """Runs what the iterator still holds, at most `num_steps` steps.

        Raises:
            StopIteration: if it holds nothing.
        """
        examples = self.examples()
        if examples is None:
            return self.otherwise(iterator)
        logs: Logs = {}
        batches = batch_runs.taken(iterator, self.num_steps())
        for run in batch_runs.equal_runs(batches):
            logs = self._run(examples, run)
        return logs

    def _run(self, examples: tf.Tensor, run: list[Any]) -> Logs:
        """Runs a step for each of the batches, which have the same shape."""
        logs: Logs = {}
        kind = batch_runs.kind((examples, run[0]))
        left = max(STEPS_BEFORE_LOOP - self.seen[kind], 0)
        loop = None
        if len(run) > left:
            loop = self._loop((kind, self.num_steps()), examples, run[0])
        alone = run if loop is None else run[:left]
        for batch in alone:
            logs = self._one(examples, batch)
        self.seen[kind] += len(alone)
        if loop is not None:
            logs = loop(examples, run[len(alone) :])
        return logs

    def _loop(self, kind: Any, examples: tf.Tensor, batch: Any) -> Loop | None:
        """Returns the loop of steps of a kind, where there is one."""
        if kind not in self.loops and len(self.loops) < MAX_LOOPS:
            loop = None
            if self.xla_step is not None:
                loop = self._by_xla(self.xla_step, examples, batch)
            if loop is None and self.num_steps() > 1:
                loop = self._by_tensorflow(examples, batch)
            self.loops[kind] = loop
        return self.loops.get(kind)

    def _by_xla(
        self, step: Step, examples: tf.Tensor, batch: Any
    ) -> Loop | None:
        """Returns the loop that XLA compiled, where that is worth it."""
        try:
            loop = CompiledSteps(
                _gathering(step), examples, batch, self.num_steps()
            )
            reason = refusal(loop.operations)
            if not reason:
                loop.trace(examples, batch)
        except Exception as error:  # TensorFlow's own are of many kinds.
            reason = str(error)
        if not reason:
            return loop
        _LOGGER.info("Steps are not compiled by XLA: %s", reason)
        return None

    def _by_tensorflow(self, examples: tf.Tensor, batch: Any) -> Loop | None:
        """Returns the loop that TensorFlow runs.

        Noise that an operation draws from a state of its own would begin anew
        there: such steps run one by one.
        """
        one = self._one.get_concrete_function(examples, batch)
        if any("seed2" in node.attr for node in nodes(one)):
            return None
        logs, step = one.structured_outputs, _gathering(self.step)
        loop = Loop(step, logs, self.num_steps())
        try:
            loop.trace(examples, batch)
        except Exception as error:  # As above.
            _LOGGER.info("Steps are not looped by TensorFlow: %s", error)
            return None
        return loop


def _gathering(step: Step) -> Callable[[Any, Any], Logs]:
    """Returns a step of the examples and a batch of their indices."""

    @tf.autograph.experimental.do_not_convert
    def gathering(examples: tf.Tensor, batch: Any) -> Logs:
        return step(gathered(batch, examples, tf.gather))

    return gathering
