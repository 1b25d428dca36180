"""The thread that looks for versions, has them loaded, and drops them."""

import functools
import logging
import pathlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from keras_vae_serving.model_server import ModelConfig
from keras_vae_serving.servable import Servable
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import versions
from keras_vae_serving.store.handle import Handle
from keras_vae_serving.store.model_versions import ModelVersions, Version
from keras_vae_serving.store.options import StoreOptions
from keras_vae_serving.store.registry import Registry
from keras_vae_serving.store.source_watch import SourceWatch
from keras_vae_serving.store.sources import Source

Loader = Callable[[pathlib.Path, str, int], Servable]

_LOG = logging.getLogger(__name__)
_PAUSE_SECONDS = 1.0  # After an error that nobody foresaw.


class Manager:
    """Keeps what is loaded as it is configured.

    Args:
        registry: The models.
        source: Where their configurations come from; `None` if `reload`
            alone gives them.
        options: The store's.
        load: Loads a version directory, under a name and a number.
    """

    def __init__(
        self,
        registry: Registry,
        source: Source | None,
        options: StoreOptions,
        load: Loader,
    ) -> None:
        self._registry = registry
        self._watch = SourceWatch(registry, source)
        self._options = options
        self._load = load
        self._retired: list[tuple[Handle, Callable[[], None]]] = []
        self._said: dict[str, str] = {}
        self._next_poll = 0.0
        self._is_stopped = False
        self._thread = threading.Thread(
            target=self._work, name="keras-vae-store", daemon=True
        )
        self._loaders = ThreadPoolExecutor(
            options.num_load_threads, thread_name_prefix="keras-vae-load"
        )

    def start(self) -> None:
        """Reads the configuration and starts the thread.

        Raises:
            ServingError: if the configuration is not valid.
        """
        self._watch.start()
        self._thread.start()

    def reload(self, configs: Sequence[ModelConfig]) -> list[str]:
        """Serves these models; see `Registry.reload`."""
        new = self._registry.reload(configs)
        self._watch.give_way()
        return new

    def is_alive(self) -> bool:
        """Whether the thread runs, or has not been started or was ended."""
        is_over = self._is_stopped or self._thread.ident is None
        return is_over or self._thread.is_alive()

    def stop(self) -> None:
        """Ends the thread; closes what no request holds."""
        with self._registry.lock:
            self._is_stopped = True
            self._registry.tell_work()
        self._loaders.shutdown(wait=False, cancel_futures=True)
        if self._thread.ident is not None:
            self._thread.join()
        with self._registry.lock:
            for model in self._registry.models.values():
                model.is_removed = True
        self._drop()
        self._close()

    def _work(self) -> None:
        while not self._is_stopped:
            try:
                self._watch.look()
                self._poll()
                self._start_loads()
                self._drop()
                self._close()
                self._wait()
            except Exception:
                if self._is_stopped:
                    return
                _LOG.exception("The store of versions had an error.")
                time.sleep(_PAUSE_SECONDS)

    def _poll(self) -> None:
        """Looks for versions on disk, of all models or of changed ones."""
        wait = self._options.file_system_poll_wait_seconds
        is_due = 0 < wait and self._next_poll <= time.monotonic()
        with self._registry.lock:
            models = [
                (model, model.config)
                for model in self._registry.models.values()
                if not model.is_removed and (is_due or not model.is_found)
            ]
        for model, config in models:
            found = self._find(config)
            with self._registry.lock:
                if model.config.base_path == config.base_path:
                    model.set_found(found)
                failed = model.failed()
                # There may be nothing to load, which ends a wait too.
                self._registry.changed.notify_all()
            self._check_repairs(model, failed)
        if is_due:
            self._next_poll = time.monotonic() + wait

    def _find(self, config: ModelConfig) -> dict[int, pathlib.Path] | None:
        """The versions on disk; `None` if the disk cannot be read now."""
        try:
            found = versions.find(config.base_path)
        except OSError as error:
            self._say(config, f"it cannot be read ({error.strerror})")
            return None
        self._say(config, _problem(config, found))
        return found

    def _say(self, config: ModelConfig, problem: str) -> None:
        """Logs a problem unless it was the same before."""
        if problem and self._said.get(config.name) != problem:
            _LOG.warning(
                "Model %s has the base path %s, but %s.",
                config.name,
                config.base_path,
                problem,
            )
        self._said[config.name] = problem

    def _check_repairs(
        self,
        model: ModelVersions,
        failed: Sequence[tuple[Version, pathlib.Path]],
    ) -> None:
        """Tries versions again whose files have changed."""
        for version, path in failed:
            if versions.fingerprint(path) != version.fingerprint:
                with self._registry.lock:
                    model.retry_now(version, time.monotonic())

    def _start_loads(self) -> None:
        now = time.monotonic()
        with self._registry.lock:
            loads = [
                (model, version)
                for model in self._registry.models.values()
                for version in model.take_loads(now)
            ]
        for model, version in loads:
            self._loaders.submit(self._load_one, model, version)

    def _load_one(self, model: ModelVersions, version: Version) -> None:
        name, number = model.config.name, version.number
        start = time.monotonic()
        version.fingerprint = versions.fingerprint(version.path)
        try:
            servable = self._load(version.path, name, number)
        except Exception as error:
            self._set_failed(model, version, _serving_error(error))
            return
        with self._registry.lock:
            is_late = self._is_stopped
            if not is_late:
                replaced = model.set_loaded(version, Handle(servable))
                if replaced is not None:
                    self._retired.append((replaced, _nothing))
            self._registry.tell_work()
        if is_late:
            servable.close()
            return
        seconds = time.monotonic() - start
        _LOG.info(
            "Loaded version %d of model %s from %s in %.2f s.",
            number,
            name,
            version.path,
            seconds,
        )

    def _set_failed(
        self, model: ModelVersions, version: Version, error: ServingError
    ) -> None:
        with self._registry.lock:
            model.set_failed(version, error, time.monotonic())
            self._registry.tell_work()
        _LOG.error(
            "Version %d of model %s could not be loaded: %s",
            version.number,
            model.config.name,
            error.message,
        )

    def _drop(self) -> None:
        with self._registry.lock:
            for model in self._registry.models.values():
                for version in model.take_drops():
                    self._retire(model, version)

    def _retire(self, model: ModelVersions, version: Version) -> None:
        if version.handle is not None:
            end = functools.partial(model.set_closed, version)
            self._retired.append((version.handle, end))

    def _close(self) -> None:
        """Closes what is retired and held by no request."""
        with self._registry.lock:
            done = [one for one in self._retired if one[0].requests == 0]
            self._retired = [one for one in self._retired if one not in done]
        for handle, end in done:
            servable = handle.servable
            servable.close()
            with self._registry.lock:
                end()
                self._registry.changed.notify_all()
            _LOG.info(
                "Unloaded version %d of model %s.",
                servable.version,
                servable.name,
            )

    def _wait(self) -> None:
        """Waits until there is something to do."""
        registry = self._registry
        with registry.lock:
            times = [one.next_retry() for one in registry.models.values()]
            times.append(self._watch.next_look)
            if self._options.file_system_poll_wait_seconds > 0:
                times.append(self._next_poll)
            due = min((one for one in times if one is not None), default=None)
            seconds = None if due is None else max(due - time.monotonic(), 0)
            registry.changed.wait_for(lambda: registry.has_work, seconds)
            registry.has_work = False


def _problem(config: ModelConfig, found: Mapping[int, pathlib.Path]) -> str:
    """What is missing on disk, in words; "" if nothing is."""
    if not found:
        return "no directory there is named by a version's number, such as 1"
    absent = [one for one in config.policy.specific if one not in found]
    return f"its versions {absent} are not there" if absent else ""


def _nothing() -> None:
    pass


def _serving_error(error: Exception) -> ServingError:
    if isinstance(error, ServingError):
        return error
    return ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}")
