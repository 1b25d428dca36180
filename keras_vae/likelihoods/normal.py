"""The normal likelihood."""

from keras_vae.distributions import Normal as NormalDistribution
from keras_vae.likelihoods.likelihood import registry
from keras_vae.likelihoods.location_scale import LocationScale


@registry.register("normal")
class Normal(LocationScale):
    """Normal likelihood with independent elements.

    A learned scale is bounded smoothly between exp(-7) and exp(7).
    Source: Kingma & Welling, 2014, appendix C.2,
    https://arxiv.org/abs/1312.6114; learning one shared scale: Lucas et
    al., 2019, section 5, https://arxiv.org/abs/1911.02469.

    Args:
        scale: Positive float, a fixed standard deviation; or one of
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
    >>> likelihood = keras_vae.likelihoods.Normal(scale="shared")
    """

    distribution_class = NormalDistribution
