"""The store of versions: what the server asks, and starts and stops."""

import asyncio
from collections.abc import Sequence

from keras_vae_serving.model_server import (
    ModelConfig,
    ModelSpec,
    VersionStatus,
)
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import onnx_servable
from keras_vae_serving.store.handle import Lease
from keras_vae_serving.store.manager import Loader, Manager
from keras_vae_serving.store.options import StoreOptions
from keras_vae_serving.store.registry import Registry
from keras_vae_serving.store.sources import Source


class ModelStore:
    """Loads versions from the disk and hands them out; see `Models`.

    All of its methods may be called from any thread. `statuses`, `acquire`,
    `configs` and `is_ready` return at once, `reload` does unless it is told
    to wait: what they ask for is loaded by threads of the store.

    Args:
        source: Says which models are served; `None` if `reload` alone does.
        options: How versions are looked for and loaded.
        load: Loads a version directory.

    Example:
    >>> store = ModelStore(ModelsDirectory("models"))
    >>> await store.start()
    >>> with store.acquire(ModelSpec("digits")) as servable:
    ...     servable.run("decode", {"z": z})
    """

    def __init__(
        self,
        source: Source | None = None,
        options: StoreOptions | None = None,
        load: Loader = onnx_servable.load,
    ) -> None:
        options = options or StoreOptions()
        self._registry = Registry(options)
        self._manager = Manager(self._registry, source, options, load)

    async def start(self, wait: bool = True) -> None:
        """Begins to load what is configured.

        Args:
            wait: Whether to wait until each version that is wanted was
                tried; one that cannot be loaded is told by `statuses`.

        Raises:
            ServingError: if the configuration is not valid.
        """
        await asyncio.to_thread(self._manager.start)
        if not wait:
            return
        try:
            await self.settled()
        except asyncio.CancelledError:
            # Else the thread that waits would outlive who asked for it.
            self._refuse()
            raise

    async def settled(self, seconds: float | None = None) -> bool:
        """Waits until each version that is wanted now was tried to load.

        Args:
            seconds: How long to wait at most; `None` for no limit.

        Returns:
            Whether all were.
        """
        return await asyncio.to_thread(
            self._registry.wait, self._is_settled, seconds
        )

    async def stop(self, seconds: float = 30.0) -> bool:
        """Hands nothing out any more, waits, and closes what is loaded.

        Args:
            seconds: How long to wait at most for requests to end.

        Returns:
            Whether all of them did.
        """
        registry = self._registry
        self._refuse()
        idle = await asyncio.to_thread(registry.wait, registry.is_idle, seconds)
        await asyncio.to_thread(self._manager.stop)
        return idle

    def statuses(
        self, name: str, version: int | None = None
    ) -> list[VersionStatus]:
        """Returns the status of a model's versions; see `Models.statuses`."""
        return self._registry.statuses(name, version)

    def acquire(self, spec: ModelSpec) -> Lease:
        """Returns a servable for a block; see `Models.acquire`."""
        return self._registry.acquire(spec)

    def reload(
        self, configs: Sequence[ModelConfig], seconds: float | None = 0.0
    ) -> None:
        """Serves these models from now on; see `Models.reload`.

        Args:
            configs: The models.
            seconds: How long to wait for them to be loaded; `None` for no
                limit. At 0 it returns at once: `settled` waits for them.

        Raises:
            ServingError: see `Models.reload`.
        """
        registry = self._registry
        new = self._manager.reload(configs)
        if seconds != 0:
            if not registry.wait(self._is_settled, seconds):
                raise ServingError(
                    Code.DEADLINE_EXCEEDED,
                    "The models were not loaded in time; they still are being "
                    "loaded",
                )
            if registry.is_stopping:
                raise ServingError(Code.UNAVAILABLE, "The server is stopping")
            registry.check_loaded(new)
        problem = registry.label_problem()
        if problem is not None:
            registry.drop_labels()
            raise problem

    def configs(self) -> list[ModelConfig]:
        """Returns the models that are configured now."""
        return self._registry.configs()

    def is_ready(self) -> bool:
        """Whether there are models, and each has a version to answer."""
        return self._registry.is_ready()

    def is_alive(self) -> bool:
        """Whether versions are still looked for, loaded and dropped."""
        return self._manager.is_alive()

    def _is_settled(self) -> bool:
        return self._registry.is_stopping or self._registry.is_settled()

    def _refuse(self) -> None:
        """Takes no more requests, and ends what waits for versions."""
        with self._registry.lock:
            self._registry.is_stopping = True
            self._registry.changed.notify_all()
