"""The Bernoulli likelihood."""

from typing import Any

import numpy as np

from keras_vae.distributions import Bernoulli as BernoulliDistribution
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.types import Tensor


@registry.register("bernoulli")
class Bernoulli(Likelihood):
    """Bernoulli likelihood over binary observations.

    Use it for binarised images. On grey levels a Bernoulli is no
    likelihood: its masses over [0, 1] do not integrate to one, as those of
    `ContinuousBernoulli` do.
    Source: Kingma & Welling, 2014, appendix C.1,
    https://arxiv.org/abs/1312.6114.

    Args:
        allow_grey: Boolean. `True` admits values between 0 and 1, for
            comparison with figures that were published so; what is
            reported is then a cross-entropy on grey levels. Defaults to
            `False`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"logits": (batch, *event_shape)}`.

    Example:
    >>> likelihood = keras_vae.likelihoods.Bernoulli()
    >>> likelihood.build((None, 16), event_shape=(28, 28, 1))
    >>> likelihood(keras.ops.zeros((5, 16)))["logits"].shape
    (5, 28, 28, 1)
    """

    remedy = (
        'Binarise the images with `datasets.load(..., binarize="dynamic")`, '
        "or use a likelihood for grey levels: "
        "`likelihoods.ContinuousBernoulli()`, "
        "`likelihoods.DiscretizedLogistic()` or `likelihoods.Normal()`; or "
        "pass `likelihoods.Bernoulli(allow_grey=True)` to report a "
        "cross-entropy."
    )

    def __init__(self, allow_grey: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.allow_grey = bool(allow_grey)

    @property
    def support(self) -> str:  # type: ignore[override]
        """The values of x that are admitted, in words."""
        return "values in [0, 1]" if self.allow_grey else "zeros and ones"

    def call(self, features: Tensor) -> dict[str, Tensor]:
        return {"logits": self.head(features)[0]}

    def distribution(
        self, parameters: dict[str, Tensor]
    ) -> BernoulliDistribution:
        return BernoulliDistribution(
            parameters["logits"], self.event_ndim, self.allow_grey
        )

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        if self.allow_grey:
            return (x < 0) | (x > 1)
        return (x != 0) & (x != 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "allow_grey": self.allow_grey}
