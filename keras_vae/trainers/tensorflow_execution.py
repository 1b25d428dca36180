"""Steps on TensorFlow: from examples in memory, many in one call."""

import logging
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

from keras_vae.trainers import batches as batch_runs
from keras_vae.trainers.resident import gathered
from keras_vae.trainers.tensorflow_xla import CompiledSteps, refusal

_LOGGER = logging.getLogger(__name__)
# XLA takes as long to compile as some hundred steps of a small network save.
STEPS_BEFORE_XLA = 100

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
        self.steps_seen = 0

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
        if self.xla_step is not None and self.steps_seen >= STEPS_BEFORE_XLA:
            compiled = self._compiled(examples, run[0])
            if compiled is not None:
                return compiled(examples, run, self.num_steps())
        for batch in run:
            logs = self._one(examples, batch)
        self.steps_seen += len(run)
        return logs

    def _compiled(self, examples: tf.Tensor, batch: Any) -> Any:
        kind = batch_runs.kind((examples, batch))
        if kind not in self.compiled:
            self.compiled[kind] = self._compile(examples, batch)
        return self.compiled[kind]

    def _compile(self, examples: tf.Tensor, batch: Any) -> Any:
        def step(examples: tf.Tensor, batch: Any) -> Logs:
            return self.xla_step(gathered(batch, examples, tf.gather))

        try:
            steps = CompiledSteps(step, examples, batch)
            reason = refusal(steps.operations)
        except Exception as error:  # TensorFlow's own are of many kinds.
            reason = str(error)
        if not reason:
            return steps
        _LOGGER.info("Steps are not compiled by XLA: %s", reason)
        return None
