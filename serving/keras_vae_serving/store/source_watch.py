"""Follows what a source says is served."""

import logging
import time
from collections.abc import Sequence

from keras_vae_serving.model_server import ModelConfig
from keras_vae_serving.status import ServingError
from keras_vae_serving.store.registry import Registry
from keras_vae_serving.store.sources import Source

_LOG = logging.getLogger(__name__)


class SourceWatch:
    """Reads a source again and again, and reloads what has changed.

    Args:
        registry: The models.
        source: `None` if there is none.

    Attributes:
        next_look: When to call `look` again, in seconds of
            `time.monotonic()`; `None` for never.
    """

    def __init__(self, registry: Registry, source: Source | None) -> None:
        self._registry = registry
        self._source = source
        self._said: Sequence[ModelConfig] | None = None
        self._problem = ""
        self.next_look: float | None = None

    def start(self) -> None:
        """Reads the source the first time.

        Raises:
            ServingError: if what it says is not valid.
        """
        if self._source is not None:
            self._read(self._source)

    def look(self) -> None:
        """Reads the source if it is time to; problems are logged once."""
        source, due = self._source, self.next_look
        if source is None or due is None or time.monotonic() < due:
            return
        problem = self._problem_of(source)
        if problem and problem != self._problem:
            _LOG.error(problem)
        self._problem = problem

    def _problem_of(self, source: Source) -> str:
        """Reads a source; returns what is wrong with what it says, or ""."""
        try:
            self._read(source)
        except ServingError as error:
            return f"What is served stays as it is: {error.message}"
        with self._registry.lock:
            is_settled = self._registry.is_settled()
        # While versions are being loaded, their labels wait for them.
        late = self._registry.label_problem() if is_settled else None
        return f"A label is not given yet: {late.message}" if late else ""

    def give_way(self) -> None:
        """Notes that somebody said by hand what is served."""
        if self._source is not None and self._source.gives_way:
            self._source = None
            self.next_look = None

    def _read(self, source: Source) -> None:
        if source.wait_seconds > 0:
            self.next_look = time.monotonic() + source.wait_seconds
        configs = list(source.read())
        if configs != self._said:
            self._registry.reload(configs)
        self._said = configs
