"""A loaded version, and the requests that hold it."""

import contextlib
from collections.abc import Callable
from types import TracebackType

from keras_vae_serving.servable import Servable


class Handle:
    """Counts the requests that hold a servable.

    The store's lock guards it.

    Args:
        servable: What is loaded.

    Attributes:
        requests: How many hold it.
        is_retired: Whether it is to be closed when the last has ended.
    """

    __slots__ = ("is_retired", "requests", "servable")

    def __init__(self, servable: Servable) -> None:
        self.servable = servable
        self.requests = 0
        self.is_retired = False


class Lease(contextlib.AbstractContextManager[Servable]):
    """One request's hold on a servable, as long as its block runs.

    Args:
        take: Finds the handle and counts the request.
        give_back: Counts it no more.
    """

    __slots__ = ("_give_back", "_handle", "_take")

    def __init__(
        self, take: Callable[[], Handle], give_back: Callable[[Handle], None]
    ) -> None:
        self._take = take
        self._give_back = give_back

    def __enter__(self) -> Servable:
        self._handle = self._take()
        return self._handle.servable

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._give_back(self._handle)
