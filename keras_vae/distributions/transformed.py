"""A distribution pushed through a chain of bijectors."""

from collections.abc import Sequence

from keras import ops

from keras_vae.distributions.bijectors import Bijector
from keras_vae.distributions.distribution import Distribution
from keras_vae.types import Shape, Tensor


class Transformed(Distribution):
    """The law of f_K(... f_1(z_0)) with z_0 from a base: a normalizing flow.

    `from_noise_with_log_prob` is exact for every flow. `log_prob` of any
    other point takes the flow's inverse, where there is one. A flow's mean
    has no closed form: `mean()` is its representative point instead, the
    base's mean pushed through the flow.
    Source: Rezende & Mohamed, 2015, equation 7,
    https://arxiv.org/abs/1505.05770.

    Args:
        base: Distribution over vectors.
        bijectors: Sequence of `Bijector`, the first one first.

    Output shape:
        `log_prob(x)`: `batch_shape`, in nats.

    Raises:
        NotImplementedError: from `log_prob` and `stopped`, if a bijector has
            no inverse; from `mode` and `entropy`.

    Example:
    >>> q = keras_vae.distributions.Transformed(base, [step])
    >>> z, log_q = q.from_noise_with_log_prob(*q.draw_noise(5, seed=0))
    """

    def __init__(
        self, base: Distribution, bijectors: Sequence[Bijector]
    ) -> None:
        self.base = base
        self.bijectors = tuple(bijectors)
        self.num_normals = base.num_normals
        self.num_uniforms = base.num_uniforms

    @property
    def batch_shape(self) -> Shape:
        return self.base.batch_shape

    @property
    def event_shape(self) -> Shape:
        return self.base.event_shape

    def log_prob(self, x: Tensor) -> Tensor:
        # log p(x) = log p_0(z_0) - sum_k log|det df_k / dz|
        x, log_dets = ops.cast(x, "float32"), 0.0
        for bijector in reversed(self.bijectors):
            x, log_det = bijector.inverse(x)
            log_dets = log_dets + log_det
        return self.base.log_prob(x) - log_dets

    def mean(self) -> Tensor:
        """The base's mean pushed through the flow; no expectation."""
        return self._push(self.base.mean(), 0.0)[0]

    def mode(self) -> Tensor:
        raise self._unknown("mode")

    def entropy(self) -> Tensor:
        raise self._unknown("entropy")

    def from_noise(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> Tensor:
        return self._push(self.base.from_noise(normals, uniforms), 0.0)[0]

    def from_noise_with_log_prob(
        self, normals: Tensor, uniforms: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        z, log_prob = self.base.from_noise_with_log_prob(normals, uniforms)
        return self._push(z, log_prob)

    def _push(self, z: Tensor, log_prob: Tensor) -> tuple[Tensor, Tensor]:
        for bijector in self.bijectors:
            z, log_det = bijector.forward(z)
            log_prob = log_prob - log_det
        return z, log_prob

    def stopped(self) -> "Transformed":
        steps = [bijector.stopped() for bijector in self.bijectors]
        return Transformed(self.base.stopped(), steps)

    def _unknown(self, what: str) -> NotImplementedError:
        return NotImplementedError(
            f"The {what} of a flow has no closed form. Estimate it from "
            "samples: `from_noise_with_log_prob(*draw_noise(1000, seed=0))`."
        )
