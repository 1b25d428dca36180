"""Standard noise, which whoever compiles a step may draw in advance."""

import contextlib
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from typing import Any, NamedTuple

import keras
from keras import ops

from keras_vae.types import Shape, Tensor

Source = Callable[[Callable, Shape, Any], Tensor]

_source: ContextVar[Source | None] = ContextVar("_source", default=None)


class Draw(NamedTuple):
    """One draw of a step: calling it draws anew, and moves the seed on."""

    function: Callable
    shape: Shape
    seed: keras.random.SeedGenerator

    def __call__(self) -> Tensor:
        return self.function(self.shape, dtype="float32", seed=self.seed)


def normals(shape: Shape, seed: Any = None) -> Tensor:
    """Draws float32 standard normals."""
    return _drawn(keras.random.normal, shape, seed)


def uniforms(shape: Shape, seed: Any = None) -> Tensor:
    """Draws float32 uniforms from 0 to 1, without 1."""
    return _drawn(keras.random.uniform, shape, seed)


def _drawn(function: Callable, shape: Shape, seed: Any) -> Tensor:
    source = _source.get()
    if source is None or not isinstance(seed, keras.random.SeedGenerator):
        return function(shape, dtype="float32", seed=seed)
    return source(function, shape, seed)


@contextlib.contextmanager
def recorded() -> Iterator[list[Draw]]:
    """Gives zeros in the place of noise within, and lists what was asked."""
    draws: list[Draw] = []

    def note(function: Callable, shape: Shape, seed: Any) -> Tensor:
        draws.append(Draw(function, tuple(shape), seed))
        return ops.zeros(shape, dtype="float32")

    with _replaced(note):
        yield draws


@contextlib.contextmanager
def played(values: list[Tensor]) -> Iterator[None]:
    """Gives values in the place of noise within, in their order.

    No seed moves on.
    """
    left = iter(values)
    with _replaced(lambda function, shape, seed: next(left)):
        yield


@contextlib.contextmanager
def _replaced(source: Source) -> Iterator[None]:
    token = _source.set(source)
    try:
        yield
    finally:
        _source.reset(token)
