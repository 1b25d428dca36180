"""Batches of one iterator that several steps take at once."""

from collections.abc import Iterator
from typing import Any

import keras


def taken(iterator: Iterator, count: int) -> list[Any]:
    """Returns what the iterator still holds, at most `count` batches.

    Raises:
        StopIteration: if it holds nothing.
    """
    batches = [next(iterator)]
    while len(batches) < count:
        batch = next(iterator, None)
        if batch is None:
            break
        batches.append(batch)
    return batches


def equal_runs(batches: list[Any]) -> Iterator[list[Any]]:
    """Splits batches where their shapes change: the last may be short."""
    run: list[Any] = []
    for batch in batches:
        if run and kind(run[-1]) != kind(batch):
            yield run
            run = []
        run.append(batch)
    yield run


def kind(batch: Any) -> tuple[Any, ...]:
    """Returns what batches of the same shapes have in common."""
    leaves = keras.tree.flatten(batch)
    shapes = [(tuple(leaf.shape), leaf.dtype) for leaf in leaves]
    return len(leaves), *shapes


def padded(run: list[Any], count: int) -> list[Any]:
    """Returns `count` batches: those of a run, the last again and again."""
    return [*run, *[run[-1]] * (count - len(run))]
