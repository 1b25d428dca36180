"""What every distribution of this package answers."""

import math
from typing import Any

import keras
from keras import ops

from keras_vae.types import Shape, Tensor


class Distribution:
    """A batch of probability distributions over events.

    A tensor of parameters has shape `batch_shape + event_shape`; an event
    is what one `log_prob` speaks of. All log-probabilities, entropies and
    divergences are in nats, and hold every normalising constant.

    A reparameterised distribution is a deterministic function of standard
    noise: it declares how many standard normals one draw takes
    (`num_normals`) and maps them in `from_noise`.
    """

    num_normals: int | None = None

    @property
    def batch_shape(self) -> Shape:
        """Shape of the batch of distributions."""
        raise NotImplementedError

    @property
    def event_shape(self) -> Shape:
        """Shape of one event."""
        raise NotImplementedError

    @property
    def event_size(self) -> int:
        """Number of elements of one event."""
        return math.prod(self.event_shape)

    def log_prob(self, x: Tensor) -> Tensor:
        """Log-density or log-mass of `x`, in nats: `(..., *batch_shape)`."""
        raise NotImplementedError

    def mean(self) -> Tensor:
        """Mean, shape `batch_shape + event_shape`."""
        raise NotImplementedError

    def mode(self) -> Tensor:
        """Mode, shape `batch_shape + event_shape`."""
        raise NotImplementedError

    def entropy(self) -> Tensor:
        """Entropy in nats, shape `batch_shape`."""
        raise NotImplementedError

    def from_noise(self, normals: Tensor) -> Tensor:
        """Maps standard normals to samples.

        Args:
            normals: Tensor of shape `(..., *batch_shape, num_normals)`.

        Returns:
            Samples of shape `(..., *batch_shape, *event_shape)`.
        """
        raise NotImplementedError

    def sample(
        self, num_samples: int | None = None, seed: Any = None
    ) -> Tensor:
        """Draws samples.

        Args:
            num_samples: Integer, or `None` for one draw without a leading
                axis.
            seed: Integer, `keras.random.SeedGenerator` or `None`.

        Returns:
            Tensor of shape `(num_samples, *batch_shape, *event_shape)`, the
            first axis absent where `num_samples` is `None`.
        """
        shape = (*self._leading(num_samples), self.num_normals)
        normals = keras.random.normal(shape, dtype="float32", seed=seed)
        return self.from_noise(normals)

    def _leading(self, num_samples: int | None) -> Shape:
        lead = () if num_samples is None else (num_samples,)
        return (*lead, *self.batch_shape)


def sum_event(values: Tensor, event_ndim: int) -> Tensor:
    """Sums `values` over the last `event_ndim` axes."""
    if event_ndim == 0:
        return values
    return ops.sum(values, axis=tuple(range(-event_ndim, 0)))


def check_event_ndim(name: str, parameter: Tensor, event_ndim: int) -> int:
    """Returns `event_ndim` if `parameter` has at least that many axes.

    Raises:
        ValueError: if it is negative or exceeds the rank of `parameter`.
    """
    rank = len(parameter.shape)
    if not 0 <= event_ndim <= rank:
        raise ValueError(
            f"`event_ndim` must lie between 0 and the rank of `{name}`, "
            f"{rank}. Received: event_ndim={event_ndim!r}. Pass e.g. "
            f"`event_ndim={min(1, rank)}`."
        )
    return event_ndim
