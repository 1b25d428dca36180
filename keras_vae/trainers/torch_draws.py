"""Random draws on PyTorch, taken out of a step and repeated before it."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import torch
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as pytree


class Draw:
    """One draw of a step: what drew it, and from which generator.

    Args:
        function: PyTorch's function.
        args: Its positional arguments.
        kwargs: Its keyword arguments, without the generator.
        seed_generator: The `keras.random.SeedGenerator` behind it.
        device: The generator's `torch.device`.
    """

    def __init__(
        self,
        function: Callable,
        args: Any,
        kwargs: dict[str, Any],
        seed_generator: keras.random.SeedGenerator,
        device: torch.device,
    ) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs
        self.state = seed_generator.state.value.detach()
        self.increment = torch.tensor([0, 1]).to(self.state)
        self.generator = torch.Generator(device)

    def __call__(self) -> torch.Tensor:
        """Draws as Keras does, and moves the seed generator on."""
        # As Keras: the sum of both words, read as 32 bits.
        self.generator.manual_seed(sum(self.state.tolist()) & 0xFFFFFFFF)
        self.state.add_(self.increment)
        return self.function(
            *self.args, generator=self.generator, **self.kwargs
        )


class Recorder(TorchFunctionMode):
    """Notes every call that takes a generator, and what it returned.

    Attributes:
        draws: Functions that draw anew, a `Draw` each.
        values: What was drawn.
        repeatable: Boolean, whether `draws` stand for all that was drawn.
    """

    def __init__(self) -> None:
        super().__init__()
        self.draws: list[Draw] = []
        self.values: list[torch.Tensor] = []
        self.seed_generators: list[keras.random.SeedGenerator] = []
        self.repeatable = True

    def __torch_function__(
        self,
        function: Callable,
        types: Any,
        args: Any = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = dict(kwargs or {})
        value = function(*args, **kwargs)
        generator = kwargs.pop("generator", None)
        if isinstance(generator, torch.Generator):
            self._note(function, args, kwargs, generator, value)
        return value

    def _note(
        self,
        function: Callable,
        args: Any,
        kwargs: dict[str, Any],
        generator: torch.Generator,
        value: torch.Tensor,
    ) -> None:
        # A tensor among the arguments may be what the step computed; and a
        # draw without a seed of its own is none of Keras's.
        leaves = pytree.tree_leaves((args, kwargs))
        depends = any(isinstance(leaf, torch.Tensor) for leaf in leaves)
        if depends or len(self.seed_generators) != len(self.draws) + 1:
            self.repeatable = False
            return
        seed_generator = self.seed_generators[-1]
        self.draws.append(
            Draw(function, args, kwargs, seed_generator, generator.device)
        )
        self.values.append(value.detach())


class _Player(TorchFunctionMode):
    """Returns given values in place of the draws, in their order."""

    def __init__(self, values: list[torch.Tensor]) -> None:
        super().__init__()
        self.values = iter(values)

    def __torch_function__(
        self,
        function: Callable,
        types: Any,
        args: Any = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(kwargs.get("generator"), torch.Generator):
            return next(self.values)
        return function(*args, **kwargs)


@contextlib.contextmanager
def recorded() -> Iterator[Recorder]:
    """Records the draws of what runs within."""
    recorder = Recorder()

    def noted_next(self: Any, ordered: bool = True) -> Any:
        recorder.seed_generators.append(self)
        return original(self, ordered)

    with _next_replaced(noted_next) as original, recorder:
        yield recorder


@contextlib.contextmanager
def played(values: list[torch.Tensor]) -> Iterator[None]:
    """Puts values in the place of the draws of what runs within.

    No seed generator moves on.
    """

    def still_next(self: Any, ordered: bool = True) -> Any:
        return np.zeros(2, dtype="int64")

    with _next_replaced(still_next), _Player(values):
        yield


@contextlib.contextmanager
def _next_replaced(function: Callable) -> Iterator[Callable]:
    original = keras.random.SeedGenerator.next
    keras.random.SeedGenerator.next = function
    try:
        yield original
    finally:
        keras.random.SeedGenerator.next = original
