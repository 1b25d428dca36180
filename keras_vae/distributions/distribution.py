"""What every distribution of this package answers."""

import math
from typing import Any

from keras import ops

from keras_vae.distributions import noise
from keras_vae.distributions.draws import split_seed, uniforms
from keras_vae.types import Shape, Tensor


class Distribution:
    """A batch of probability distributions over events.

    A tensor of parameters has shape `batch_shape + event_shape`; an event
    is what one `log_prob` speaks of. All log-probabilities, entropies and
    divergences are in nats, and hold every normalising constant.

    A reparameterised distribution is a deterministic function of standard
    noise: it declares how many standard normals and uniforms one draw takes
    and maps them in `from_noise`. Any other one overrides `sample`.

    Attributes:
        num_normals: Integer, standard normals that one draw takes.
        num_uniforms: Integer, uniforms that one draw takes.
        reference_measure: String, what `log_prob` is a density by:
            `"lebesgue"`, `"counting"` (a mass), `"sphere"`, `"simplex"` or
            `"interval"`. Densities by two measures cannot be compared.
    """

    num_normals: int = 0
    num_uniforms: int = 0
    reference_measure: str = "lebesgue"

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

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        """Maps standard noise to samples.

        Args:
            normals: Tensor `(..., *batch_shape, num_normals)`.
            uniforms: Tensor `(..., *batch_shape, num_uniforms)`, strictly
                between 0 and 1, or `None` where none are taken.

        Returns:
            Samples of shape `(..., *batch_shape, *event_shape)`.
        """
        raise NotImplementedError

    def from_noise_with_log_prob(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """Maps noise to samples and their log-density, in nats.

        A distribution whose density is known only along the path from the
        noise overrides it.
        """
        samples = self.from_noise(normals, uniforms)
        return samples, self.log_prob(samples)

    def stopped(self) -> "Distribution":
        """Returns this distribution with the gradient of its parameters cut.

        Raises:
            NotImplementedError: if its log-density at any given point has no
                closed form.
        """
        raise NotImplementedError(
            f"`{type(self).__name__}` has no log-density in closed form "
            "whose parameters could be held fixed. Use a gradient estimator "
            'that needs none: `gradient="reparameterized"`.'
        )

    def draw_noise(
        self, num_samples: int | None = None, seed: Any = None
    ) -> tuple[Tensor, Tensor | None]:
        """Draws the standard noise of `num_samples` draws.

        Args:
            num_samples: Integer, or `None` for no leading axis.
            seed: Integer, `keras.random.SeedGenerator` or `None`.

        Returns:
            `(normals, uniforms)`; `uniforms` is `None` where none are taken.
        """
        lead = self._leading(num_samples)
        normals = noise.normals((*lead, self.num_normals), seed)
        if not self.num_uniforms:
            return normals, None
        # From the same integer, uniforms would depend on the normals.
        other_seed = split_seed(seed, 2)[1]
        return normals, uniforms((*lead, self.num_uniforms), other_seed)

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
        return self.from_noise(*self.draw_noise(num_samples, seed))

    def _leading(self, num_samples: int | None) -> Shape:
        lead = () if num_samples is None else (num_samples,)
        return (*lead, *self.batch_shape)


def sum_event(values: Tensor, event_ndim: int) -> Tensor:
    """Sums `values` over the last `event_ndim` axes."""
    if event_ndim == 0:
        return values
    return ops.sum(values, axis=tuple(range(-event_ndim, 0)))


def flat_events(event_ndim: int, *tensors: Tensor) -> tuple[list[Tensor], int]:
    """Gives events of several axes one axis, where all have the same shape.

    Compilers make quick loops over long axes: an image's last one, its
    channels, is short, and slows XLA's exponential several times.

    Args:
        event_ndim: Integer, trailing dimensions that form one event.
        *tensors: Tensors `(..., *event_shape)`, or scalars, which stay.

    Returns:
        `(tensors, event_ndim)`: as they were where the events' shapes
        differ, and broadcast, or are not known.
    """
    events = {tuple(t.shape[-event_ndim:]) for t in tensors if len(t.shape)}
    if event_ndim < 2 or len(events) != 1 or None in (event := events.pop()):
        return list(tensors), event_ndim
    size = math.prod(event)

    def flat(t: Tensor) -> Tensor:
        return ops.reshape(t, (*ops.shape(t)[:-event_ndim], size))

    return [flat(t) if len(t.shape) else t for t in tensors], 1


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


def check_same_measure(q: Distribution, p: Distribution) -> None:
    """Raises unless the ratio of the densities of q and p has a meaning.

    Raises:
        ValueError: if they are densities by two different measures.
    """
    if q.reference_measure != p.reference_measure:
        raise ValueError(
            "The posterior and the prior must have densities by the same "
            f"measure to be compared. Received: {type(q).__name__} by "
            f'"{q.reference_measure}" and {type(p).__name__} by '
            f'"{p.reference_measure}". Choose parts that fit, e.g. '
            "`posteriors.VonMisesFisher` with `priors.UniformSphere()`, or "
            "`posteriors.Concrete(..., straight_through=False)` with "
            "`priors.Categorical(temperature=0.5)`."
        )
