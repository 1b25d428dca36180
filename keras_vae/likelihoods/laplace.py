"""The Laplace likelihood."""

from keras_vae.distributions import Laplace as LaplaceDistribution
from keras_vae.likelihoods.likelihood import registry
from keras_vae.likelihoods.location_scale import LocationScale


@registry.register("laplace")
class Laplace(LocationScale):
    """Laplace likelihood: absolute errors in place of squared ones.

    A learned scale is bounded smoothly between exp(-7) and exp(7).
    Source: Kingma & Welling, 2014, section 2.4 (location-scale families),
    https://arxiv.org/abs/1312.6114.

    Args:
        scale: Positive float, a fixed mean absolute deviation; or one of
            `"shared"` (one learned for all elements), `"per_output"` (one
            learned for each element of x) and `"predicted"` (the decoder
            gives it for each element). Defaults to `1.0`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"loc": (batch, *event_shape), "scale": ...}`, the scale of a
        shape that broadcasts to that of `loc`.

    Raises:
        ValueError: if `scale` is neither a positive number nor one of the
            three words.

    Example:
    >>> likelihood = keras_vae.likelihoods.Laplace(scale="per_output")
    """

    distribution_class = LaplaceDistribution
