"""What the two front ends, REST and gRPC, ask for their answers."""

import contextlib
import enum
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from keras_vae_serving.servable import Arrays, Outputs, Servable
from keras_vae_serving.status import Code


class ModelSpec(NamedTuple):
    """Which version of which model a request means.

    At most one of `version` and `label` is given; neither means the newest
    version that is available.
    """

    name: str
    version: int | None = None
    label: str | None = None


class State(enum.IntEnum):
    """The life of a version, with TensorFlow Serving's numbers."""

    UNKNOWN = 0
    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


class VersionStatus(NamedTuple):
    """How one version of a model is doing."""

    version: int
    state: State
    code: Code = Code.OK
    message: str = ""


class VersionPolicy(NamedTuple):
    """Which versions of a model are served.

    Attributes:
        latest: How many of the newest; of no meaning with the others.
        all: Whether all of them.
        specific: Those of these numbers alone, if there are any.
    """

    latest: int = 1
    all: bool = False
    specific: tuple[int, ...] = ()


class ModelConfig(NamedTuple):
    """One `config` of `models.config`.

    Attributes:
        name: What requests call the model.
        base_path: The directory of its version directories.
        policy: Which versions are served.
        labels: By label, the version that it stands for.
    """

    name: str
    base_path: str
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = {}


class Models(Protocol):
    """The models that are served."""

    def statuses(
        self, name: str, version: int | None = None
    ) -> Sequence[VersionStatus]:
        """Returns the status of a model's versions, newest first.

        Raises:
            ServingError: NOT_FOUND if there is no such model or version.
        """

    def acquire(
        self, spec: ModelSpec
    ) -> contextlib.AbstractContextManager[Servable]:
        """Returns a servable that stays loaded as long as the block runs.

        Raises:
            ServingError: NOT_FOUND, or INVALID_ARGUMENT for an unknown label.
        """

    def reload(
        self, configs: Sequence[ModelConfig], seconds: float | None = None
    ) -> None:
        """Serves these models from now on, and no other.

        It blocks until what is wanted was tried to load.

        Args:
            configs: The models.
            seconds: How long that may take; `None` for any time.

        Raises:
            ServingError: INVALID_ARGUMENT if a configuration is not valid;
                nothing changes then. UNKNOWN if a model that is new could
                not be loaded; FAILED_PRECONDITION if a label's version is
                not loaded, and the label stays as it was;
                DEADLINE_EXCEEDED.
        """


class ModelServer(Models, Protocol):
    """What the front ends ask for their answers."""

    async def predict(
        self,
        servable: Servable,
        signature: str,
        inputs: Arrays,
        deadline: float | None = None,
    ) -> Outputs:
        """Runs a signature, perhaps together with other requests' rows.

        Args:
            servable: From `acquire`, whose block is still running.
            signature: One of its signatures.
            inputs: Every input by name, of the signature's dtypes.
            deadline: In seconds of `time.monotonic()`; `None` for none.

        Returns:
            Every output by name.

        Raises:
            ServingError: INVALID_ARGUMENT for shapes that do not fit or
                values above a limit; UNAVAILABLE if the queue is full or the
                server stops; DEADLINE_EXCEEDED.
        """
