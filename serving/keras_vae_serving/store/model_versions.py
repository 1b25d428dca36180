"""The versions of one model: what is loaded, and what happens to it next.

Nothing here reads the disk, starts a thread or takes a lock: the registry's
lock guards every call.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

from keras_vae_serving.model_server import ModelConfig, State, VersionStatus
from keras_vae_serving.status import ServingError
from keras_vae_serving.store import labels, versions
from keras_vae_serving.store.handle import Handle
from keras_vae_serving.store.options import StoreOptions

_MAX_ENDED = 100  # More are forgotten, the smallest numbers first.


@dataclasses.dataclass(eq=False)
class Version:
    """One version of a model.

    Attributes:
        number: Its number.
        path: Its directory.
        state: Where it is in its life.
        error: Why it could not be loaded the last time.
        handle: What is loaded; also while something new is being loaded in
            its place from another path.
        is_loading: Whether a thread is loading it.
        is_gone: Whether its directory was deleted after it was loaded. If
            one appears again, it is loaded in its place.
        is_over: Whether it is wanted no more; if it is wanted again, it
            begins from the start.
        retries_left: How often it may be tried again.
        retry_at: When, in seconds of `time.monotonic()`; `None` if not.
        fingerprint: Of its files, when it was tried last.
    """

    number: int
    path: pathlib.Path
    retries_left: int
    state: State = State.START
    error: ServingError | None = None
    handle: Handle | None = None
    is_loading: bool = False
    is_gone: bool = False
    is_over: bool = False
    retry_at: float | None = None
    fingerprint: tuple[object, ...] = ()

    @property
    def is_settled(self) -> bool:
        """Whether it is loaded, or could not be."""
        return self.handle is not None or self.error is not None

    @property
    def status(self) -> VersionStatus:
        """Its status, as the front ends give it."""
        error = self.error
        if error is None or self.handle is not None:
            return VersionStatus(self.number, self.state)
        return VersionStatus(self.number, self.state, error.code, error.message)


class ModelVersions:
    """The versions of one model.

    Args:
        config: The model's configuration.
        options: How often a load is tried again.

    Attributes:
        config: The configuration, with the labels that are given.
        held_labels: Those that wait for their versions.
        is_removed: Whether the model is configured no more.
        is_found: Whether the disk was looked at since the configuration
            changed.
    """

    def __init__(self, config: ModelConfig, options: StoreOptions) -> None:
        self.config = config
        self.held_labels: dict[str, int] = {}
        self.is_removed = False
        self.is_found = False
        self._options = options
        self._found: dict[int, pathlib.Path] = {}
        self._versions: dict[int, Version] = {}
        self._available: dict[int, Handle] = {}

    @property
    def is_settled(self) -> bool:
        """Whether every version that is wanted was tried at least once."""
        if self.is_removed:
            return True
        return self.is_found and all(
            one is not None
            and one.is_settled
            and not one.is_loading
            and (one.error or not self._is_outdated(one))
            for one in self._of_wanted()
        )

    def available(self, number: int | None = None) -> Handle | None:
        """Returns what a request for a version gets; the newest for `None`."""
        if number is None:
            number = max(self._available, default=0)
        return self._available.get(number)

    @property
    def is_loaded(self) -> bool:
        """Whether anything of it is loaded, or being loaded."""
        return any(v.handle or v.is_loading for v in self._versions.values())

    def set_config(
        self, config: ModelConfig, allow_unavailable: bool = False
    ) -> None:
        """Replaces the configuration; the disk is to be looked at again.

        Args:
            config: Its labels are given as soon as their versions are loaded.
            allow_unavailable: Whether new labels need not wait for that.
        """
        if config.base_path != self.config.base_path:
            self._found = {}
        given, self.held_labels = labels.split(
            config.labels,
            {} if self.is_removed else self.config.labels,
            self._available.__contains__,
            allow_unavailable,
        )
        self.config = config._replace(labels=given)
        self.is_removed = False
        self.is_found = False

    def statuses(self) -> list[VersionStatus]:
        """Returns the status of each version, newest first."""
        newest_first = sorted(self._versions, reverse=True)
        return [self._versions[number].status for number in newest_first]

    def failed(self) -> list[tuple[Version, pathlib.Path]]:
        """Returns the versions whose repair is waited for, and where."""
        return [
            (one, self._found[one.number])
            for one in self._versions.values()
            if one.error and not one.is_loading and one.number in self._found
        ]

    def next_retry(self) -> float | None:
        """Returns when a version is tried again next; `None` if never."""
        times = (one.retry_at for one, _ in self.failed())
        return min((one for one in times if one is not None), default=None)

    def set_found(self, found: dict[int, pathlib.Path] | None) -> None:
        """Notes which versions are on disk.

        Args:
            found: By number, the directory; `None` if that cannot be told,
                so that nothing changes.
        """
        self.is_found = True
        if found is None:
            return
        self._found = found
        for number, version in self._versions.items():
            version.is_gone |= number not in found

    def retry_now(self, version: Version, now: float) -> None:
        """Gives a version whose files have changed all its tries again."""
        if version.error is None or version.is_loading:
            return
        version.retries_left = self._options.max_num_load_retries
        version.retry_at = now

    def take_loads(self, now: float) -> list[Version]:
        """Returns the versions to load now, and takes them for being loaded.

        Args:
            now: In seconds of `time.monotonic()`.
        """
        if not self.is_found and not self.is_removed:
            return []
        wanted = self._wanted()
        self._end_unwanted(wanted)
        loads = [
            version
            for version in map(self._renewed, wanted)
            if not version.is_loading and self._needs_load(version, now)
        ]
        for version in loads:
            version.is_loading = True
            version.is_gone = False
            version.path = self._found[version.number]
            if version.handle is None:
                version.state = State.LOADING
        return loads

    def set_loaded(self, version: Version, handle: Handle) -> Handle | None:
        """Takes what was loaded; returns what it replaces, retired."""
        replaced = version.handle
        if replaced is not None:
            replaced.is_retired = True
        version.handle = handle
        version.is_loading = False
        version.error, version.retry_at = None, None
        version.state = State.AVAILABLE
        self._available[version.number] = handle
        self._give_labels(version.number)
        return replaced

    def _give_labels(self, number: int) -> None:
        """Gives a version the labels that have waited for it."""
        given = {k: v for k, v in self.held_labels.items() if v == number}
        if given:
            both = {**self.config.labels, **given}
            self.config = self.config._replace(labels=both)
            for label in given:
                del self.held_labels[label]

    def set_failed(
        self, version: Version, error: ServingError, now: float
    ) -> None:
        """Notes that a version could not be loaded."""
        version.is_loading = False
        version.error = error
        version.retry_at = None
        if version.retries_left > 0:
            version.retries_left -= 1
            wait = self._options.load_retry_interval_micros / 1e6
            version.retry_at = now + wait
        elif version.handle is None:
            version.state = State.END

    def take_drops(self) -> list[Version]:
        """Returns the loaded versions to drop, and retires them.

        None goes before one that shall replace it is there.
        """
        if not self.is_found and not self.is_removed:
            return []
        wanted = self._of_wanted()
        done = all(one is not None and one.is_settled for one in wanted)
        replaced = any(one is not None and one.handle for one in wanted)
        if not self.is_removed and not (done and replaced):
            return []
        drops = [
            one
            for one in self._versions.values()
            if one.handle and not one.is_over and one not in wanted
        ]
        for version in drops:
            version.is_over = True
            version.state = State.UNLOADING
            self._available.pop(version.number).is_retired = True
        return drops

    def set_closed(self, version: Version) -> None:
        """Notes that nothing of a dropped version is loaded any more."""
        version.handle = None
        version.state = State.END
        self._forget()

    def _wanted(self) -> list[int]:
        if self.is_removed:
            return []
        failed = {
            one.number
            for one in self._versions.values()
            if one.error and not one.handle
        }
        return versions.wanted(self.config.policy, self._found, failed)

    def _of_wanted(self) -> Sequence[Version | None]:
        return [self._versions.get(number) for number in self._wanted()]

    def _renewed(self, number: int) -> Version:
        version = self._versions.get(number)
        if version is None or version.is_over:
            retries = self._options.max_num_load_retries
            version = Version(number, self._found[number], retries)
            self._versions[number] = version
        return version

    def _needs_load(self, version: Version, now: float) -> bool:
        if version.error is not None:
            return version.retry_at is not None and version.retry_at <= now
        return version.handle is None or self._is_outdated(version)

    def _is_outdated(self, version: Version) -> bool:
        """Whether something else stands on disk by now than was loaded."""
        return version.is_gone or version.path != self._found[version.number]

    def _end_unwanted(self, wanted: Sequence[int]) -> None:
        """Gives up versions that are not wanted before they were loaded."""
        for number, version in self._versions.items():
            idle = version.handle is None and not version.is_loading
            if idle and number not in wanted:
                version.is_over = True
                version.retry_at = None
                version.state = State.END

    def _forget(self) -> None:
        ended = [k for k, v in self._versions.items() if v.is_over]
        for number in sorted(ended)[:-_MAX_ENDED]:
            if self._versions[number].handle is None:
                del self._versions[number]
