"""The Concrete (Gumbel-softmax) posterior."""

from typing import Any

from keras import ops

from keras_vae.distributions import (
    Distribution,
    RelaxedCategorical,
    StraightThroughCategorical,
)
from keras_vae.distributions.bounds import bounded
from keras_vae.distributions.one_hot_logits import check_num_categories
from keras_vae.layers import ParameterHead
from keras_vae.posteriors.posterior import registry
from keras_vae.posteriors.relaxed import LOGIT_LIMIT, Relaxed
from keras_vae.types import Shape, Tensor


@registry.register("concrete")
class Concrete(Relaxed):
    """Categorical variables, relaxed so that samples can be differentiated.

    z holds `latent_dim / num_categories` vectors, end to end. The KL decides
    which model is trained, so there are three kinds:

    - `straight_through=True`, the default: samples are one-hot, their
      gradient is the relaxation's, and biased. With `priors.Categorical()`
      the KL of the discrete variables is exact, and the ELBO is a bound on
      the discrete model's log-likelihood (Jang et al., 2017, section 2.2).
    - `straight_through=False` with `priors.Categorical(temperature=0.5)` and
      `objectives.ELBO(kl="monte_carlo")`: samples are points of the simplex,
      and both densities are those of the relaxed variables. The gradient is
      unbiased, and the ELBO is a bound on the relaxed model's log-likelihood
      (Maddison et al., 2017, section 3.2 and appendix C.3).
    - `straight_through=False, discrete_kl=True` with `priors.Categorical()`:
      relaxed samples and the KL of the discrete variables (Jang et al.,
      2017, section 3.2). Widely used, but what is logged as ELBO is then no
      bound of either model.

    Source: Maddison et al., 2017, https://arxiv.org/abs/1611.00712; Jang et
    al., 2017, https://arxiv.org/abs/1611.01144.

    Args:
        latent_dim: Integer, at least 2: variables times categories.
        num_categories: Integer, at least 2, that divides `latent_dim`.
            Defaults to `latent_dim`, for one variable.
        temperature: Positive number, or a `Schedule` of training steps,
            which then never falls below 0.01. Defaults to `2 / 3`.
        straight_through: Boolean. Defaults to `True`.
        discrete_kl: Boolean. Defaults to `False`.

    Input shape:
        `(batch, ...)`, the encoder's features.

    Output shape:
        `{"logits": (batch, num_variables, num_categories)}`, bounded between
        -10 and 10.

    Raises:
        TypeError: if an argument is of the wrong type.
        ValueError: if an argument is out of its range.

    Example:
    >>> posterior = keras_vae.posteriors.Concrete(200, num_categories=10)
    >>> posterior.num_variables
    20
    """

    def __init__(
        self,
        latent_dim: int,
        num_categories: int | None = None,
        temperature: Any = 2 / 3,
        straight_through: bool = True,
        discrete_kl: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            latent_dim, temperature, straight_through, discrete_kl, **kwargs
        )
        self.num_categories = check_num_categories(
            num_categories, self.latent_dim
        )
        self.num_variables = self.latent_dim // self.num_categories
        self.head = ParameterHead(name="head")

    def build(self, features_shape: Shape) -> None:
        self.head.build(features_shape, event_shape=(self.latent_dim,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        logits = bounded(self.head(features)[0], LOGIT_LIMIT)
        shape = (-1, self.num_variables, self.num_categories)
        return {"logits": ops.reshape(logits, shape)}

    def distribution(self, parameters: dict[str, Tensor]) -> Distribution:
        logits, temperature = parameters["logits"], self.current_temperature()
        if self.straight_through:
            return StraightThroughCategorical(logits, temperature)
        return RelaxedCategorical(logits, temperature, self.discrete_kl)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "num_categories": self.num_categories}
