"""Steps on TensorFlow: from examples in memory, many in one call."""

import collections
import logging
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from keras_vae.trainers import batches as batch_runs
from keras_vae.trainers.resident import gathered
from keras_vae.trainers.tensorflow_xla import CompiledSteps, refusal

_LOGGER = logging.getLogger(__name__)
# XLA takes as long to compile as some hundred steps of a small network save: a
# short training is over before, and each `fit` may bring new shapes.
STEPS_BEFORE_XLA = 100
MAX_LOOPS = 4

Logs = dict[str, tf.Tensor]
Step = Callable[[Any], Logs]


class Execution:
    """Runs several steps of a model in one call from Python.

    Where Keras gives batches of indices, the step gathers its examples. The
    first steps run one by one, as TensorFlow's own operations; then those of
    `xla_step` in one loop that XLA compiled, from noise that TensorFlow drew:
    XLA's own would be other noise under the same seed, and slower.

    Args:
        step: The model's `train_step` or `test_step`.
        xla_step: The same, as XLA is to compile it, or `None`.
        examples: Function that returns the tensor that batches are gathered
            from, or `None` where they come as they are.
        num_steps: Function that returns Keras's `steps_per_execution`.
        otherwise: Keras's function of an iterator, for other batches.

    Attributes:
        compiled: What XLA compiled, by the shapes of its batches; `None`
            where the step runs as TensorFlow's own operations.
        seen: How many steps ran as those before, by the same shapes.
    """

    def __init__(
        self,
        step: Step,
        xla_step: Step | None,
        examples: Callable[[], Any],
        num_steps: Callable[[], int],
        otherwise: Callable,
    ) -> None:
        self.xla_step = xla_step
        self.examples, self.num_steps = examples, num_steps
        self.otherwise = otherwise
        self.compiled: dict[Any, CompiledSteps | None] = {}
        self.seen: collections.Counter = collections.Counter()

        @tf.autograph.experimental.do_not_convert
        def one(examples: tf.Tensor, batch: Any) -> Logs:
            return step(gathered(batch, examples, tf.gather))

        self._one = tf.function(one, reduce_retracing=True)

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
        left = max(STEPS_BEFORE_XLA - self.seen[kind], 0)
        compiled = None
        if len(run) > left:
            compiled = self._compiled(kind, examples, run[0])
        alone = run if compiled is None else run[:left]
        for batch in alone:
            logs = self._one(examples, batch)
        self.seen[kind] += len(alone)
        if compiled is not None:
            logs = compiled(examples, run[len(alone) :])
        return logs

    def _compiled(
        self, kind: Any, examples: tf.Tensor, batch: Any
    ) -> CompiledSteps | None:
        """Returns the loop of the steps for such batches, where XLA has it."""
        if self.xla_step is None:
            return None
        if kind not in self.compiled and len(self.compiled) < MAX_LOOPS:
            self.compiled[kind] = _compile(
                self.xla_step, examples, batch, self.num_steps()
            )
        return self.compiled.get(kind)


def _compile(
    xla_step: Step, examples: tf.Tensor, batch: Any, num_steps: int
) -> CompiledSteps | None:
    """Traces a step; returns the loop of it, where that is worth it."""

    def step(examples: tf.Tensor, batch: Any) -> Logs:
        return xla_step(gathered(batch, examples, tf.gather))

    try:
        steps = CompiledSteps(step, examples, batch, num_steps)
        reason = refusal(steps.operations)
        if not reason:
            steps.convert(examples, batch)
    except Exception as error:  # TensorFlow's own are of many kinds.
        reason = str(error)
    if not reason:
        return steps
    _LOGGER.info("Steps are not compiled by XLA: %s", reason)
    return None
