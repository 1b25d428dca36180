"""One batch: rows of several requests, joined before and cut apart after."""

import asyncio
import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_vae_serving.servable import Arrays, Outputs


@dataclasses.dataclass(eq=False)
class Task:
    """A request's rows, waiting.

    Attributes:
        inputs: Every input by name; the rows are on the first axis.
        rows: How many they are; 1 for a signature without a batch's axis.
        future: Gets the outputs.
        deadline: In seconds of the loop's clock, or `None`.
        created: When it came, on the same clock.
    """

    inputs: Arrays
    rows: int
    future: "asyncio.Future[Outputs]"
    deadline: float | None
    created: float

    @property
    def kind(self) -> tuple[Any, ...]:
        """What must be equal for two tasks to be joined."""
        return tuple(
            (name, value.dtype, value.shape[1:])
            for name, value in sorted(self.inputs.items())
        )


class Batch:
    """Tasks that run together.

    Args:
        first: The task that opens it.

    Attributes:
        has_waited: Whether its time to wait for more rows is over.
    """

    def __init__(self, first: Task) -> None:
        self.tasks = [first]
        self.rows = first.rows
        self.created = first.created
        self.has_waited = False
        self._kind = first.kind

    def takes(self, task: Task, max_rows: int) -> bool:
        """Whether a task fits in."""
        return self.rows + task.rows <= max_rows and self._kind == task.kind

    def add(self, task: Task) -> None:
        """Adds a task that fits in."""
        self.tasks.append(task)
        self.rows += task.rows

    def remove(self, task: Task) -> None:
        """Takes out a task that nobody waits for any more."""
        self.tasks.remove(task)
        self.rows -= task.rows


def joined(tasks: Sequence[Task], size: int) -> Arrays:
    """Returns the inputs of all tasks, filled up to `size` rows.

    What fills up are copies of the first row: a value that a graph takes.
    """
    rows = sum(task.rows for task in tasks)
    if len(tasks) == 1 and size == rows:
        return tasks[0].inputs
    result = {}
    for name in tasks[0].inputs:
        parts = [task.inputs[name] for task in tasks]
        if 0 < rows < size:
            first = next(part for part in parts if len(part))[:1]
            parts.append(np.repeat(first, size - rows, axis=0))
        result[name] = np.concatenate(parts)
    return result


def cut(outputs: Outputs, tasks: Sequence[Task]) -> list[Outputs]:
    """Returns each task's rows of the outputs.

    They are copies where there are several: a view would keep all the
    batch's rows alive as long as one answer is being written.
    """
    if len(tasks) == 1:
        rows = tasks[0].rows
        return [{name: value[:rows] for name, value in outputs.items()}]
    found, start = [], 0
    for task in tasks:
        end = start + task.rows
        found.append(
            {name: value[start:end].copy() for name, value in outputs.items()}
        )
        start = end
    return found
