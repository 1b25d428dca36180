"""The models that are served, as requests and the store's thread see them.

One lock guards all of it. It is held for lookups and changes in memory only,
never while something is read, loaded or computed.
"""

import threading
from collections.abc import Callable, Sequence

from keras_vae_serving.model_server import (
    ModelConfig,
    ModelSpec,
    VersionStatus,
)
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import labels, models_config
from keras_vae_serving.store.handle import Handle, Lease
from keras_vae_serving.store.model_versions import ModelVersions
from keras_vae_serving.store.options import StoreOptions

_MAX_REMOVED = 100  # More models that once were are forgotten.


class Registry:
    """Finds what requests ask for.

    Args:
        options: The store's.

    Attributes:
        lock: Guards what follows, and every model.
        changed: Tells of changes; its lock is `lock`.
        models: By name, the models; also those that are being removed.
        has_work: Whether the store's thread is to look for work at once.
        is_stopping: Whether no more requests are taken.
    """

    def __init__(self, options: StoreOptions) -> None:
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self.models: dict[str, ModelVersions] = {}
        self.has_work = False
        self.is_stopping = False
        self._options = options
        self._is_configured = False
        self._requests = 0

    def acquire(self, spec: ModelSpec) -> Lease:
        """Returns a block in which a version stays loaded."""
        return Lease(lambda: self._take(spec), self._give_back)

    def statuses(
        self, name: str, version: int | None = None
    ) -> list[VersionStatus]:
        """Returns the status of a model's versions, newest first.

        Raises:
            ServingError: NOT_FOUND if there is no such model or version.
        """
        with self.lock:
            model = self.models.get(name)
            found = [] if model is None else model.statuses()
        if version is not None:
            found = [one for one in found if one.version == version]
        if found:
            return found
        wanted = "any versions" if version is None else f"version {version}"
        raise ServingError(
            Code.NOT_FOUND, f"Could not find {wanted} of model {name}"
        )

    def reload(self, configs: Sequence[ModelConfig]) -> list[str]:
        """Serves these models from now on, and no other.

        Labels may stand for versions that are still to be loaded the first
        time that models are given. After that they wait for their versions:
        see `label_problem`.

        Returns:
            The names of the models that were not served before.

        Raises:
            ServingError: INVALID_ARGUMENT if the models cannot be served
                together. Nothing changes then.
        """
        models_config.check(configs)
        with self.lock:
            named = {config.name for config in configs}
            new = [name for name in named if self._model(name) is None]
            for config in configs:
                self._configure(config)
            for name, model in self.models.items():
                model.is_removed = name not in named
            self._is_configured = True
            self._forget()
            self.tell_work()
            return sorted(new)

    def check_loaded(self, names: Sequence[str]) -> None:
        """Raises unless each of some models has a version that is loaded.

        Raises:
            ServingError: UNKNOWN, as TensorFlow Serving says it.
        """
        with self.lock:
            models = {name: self._model(name) for name in names}
            missing = [
                part
                for name, model in models.items()
                if model is not None and model.available() is None
                for part in _parts(name, model)
            ]
        if missing:
            shown = "".join(f"{{{one}}}, " for one in missing)
            text = f"Some models did not become available: {{{shown}}}"
            raise ServingError(Code.UNKNOWN, text)

    def label_problem(self) -> ServingError | None:
        """Returns what is wrong with a label that waits for its version."""
        with self.lock:
            for model in self._configured():
                for version in model.held_labels.values():
                    return labels.not_available(model.config.name, version)
        return None

    def drop_labels(self) -> None:
        """Gives up the labels that wait for their versions."""
        with self.lock:
            for model in self._configured():
                model.held_labels.clear()

    def configs(self) -> list[ModelConfig]:
        """Returns the models that are configured."""
        with self.lock:
            return [one.config for one in self._configured()]

    def is_ready(self) -> bool:
        """Whether every model has a version that is loaded."""
        with self.lock:
            models = self._configured()
            loaded = all(one.available() is not None for one in models)
            return bool(models) and loaded and not self.is_stopping

    def is_settled(self) -> bool:
        """Whether all was tried to load that is wanted; wants the lock."""
        return all(one.is_settled for one in self.models.values())

    def is_idle(self) -> bool:
        """Whether no request holds anything; wants the lock."""
        return self._requests == 0

    def wait(
        self, condition: Callable[[], bool], seconds: float | None
    ) -> bool:
        """Waits until a condition holds.

        Args:
            condition: Called with the lock.
            seconds: How long to wait at most; `None` for no limit.

        Returns:
            Whether it holds.
        """
        with self.lock:
            return self.changed.wait_for(condition, seconds)

    def tell_work(self) -> None:
        """Wakes the store's thread; wants the lock."""
        self.has_work = True
        self.changed.notify_all()

    def _take(self, spec: ModelSpec) -> Handle:
        with self.lock:
            if self.is_stopping:
                raise ServingError(Code.UNAVAILABLE, "The server is stopping")
            handle = self._find(spec)
            handle.requests += 1
            self._requests += 1
            return handle

    def _find(self, spec: ModelSpec) -> Handle:
        model = self._model(spec.name)
        version = spec.version
        if spec.label is not None:
            known = {} if model is None else model.config.labels
            version = labels.version_of(spec.label, known)
        handle = None if model is None else model.available(version)
        if handle is None:
            wanted = f"Latest({spec.name})"
            if version is not None:
                wanted = f"Specific({spec.name}, {version})"
            raise ServingError(
                Code.NOT_FOUND, f"Servable not found for request: {wanted}"
            )
        return handle

    def _model(self, name: str) -> ModelVersions | None:
        """The model of a name, if it is configured."""
        model = self.models.get(name)
        return None if model is None or model.is_removed else model

    def _give_back(self, handle: Handle) -> None:
        with self.lock:
            handle.requests -= 1
            self._requests -= 1
            if handle.requests == 0 and handle.is_retired:
                self.tell_work()
            elif self._requests == 0 and self.is_stopping:
                self.changed.notify_all()

    def _configure(self, config: ModelConfig) -> None:
        model = self.models.get(config.name)
        if model is None:
            model = ModelVersions(config._replace(labels={}), self._options)
            self.models[config.name] = model
        allowed = self._options.allow_version_labels_for_unavailable_models
        model.set_config(config, allowed or not self._is_configured)

    def _configured(self) -> list[ModelVersions]:
        return [one for one in self.models.values() if not one.is_removed]

    def _forget(self) -> None:
        removed = [k for k, v in self.models.items() if v.is_removed]
        for name in removed[:-_MAX_REMOVED]:
            if not self.models[name].is_loaded:
                del self.models[name]


def _parts(name: str, model: ModelVersions) -> list[str]:
    """Describes what of a model was tried to load."""
    versions = [one.version for one in model.statuses()]
    return [f"name: {name} version: {one}" for one in versions] or [
        f"name: {name}"
    ]
