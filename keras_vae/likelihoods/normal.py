"""The normal likelihood."""

from typing import Any

from keras import ops

from keras_vae.distributions import Normal as NormalDistribution
from keras_vae.distributions.bounds import positive_scale
from keras_vae.likelihoods.likelihood import Likelihood, registry
from keras_vae.types import Shape, Tensor

_LEARNED = ("shared", "per_output", "predicted")


@registry.register("normal")
class Normal(Likelihood):
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

    def __init__(self, scale: float | str = 1.0, **kwargs: Any) -> None:
        self.scale = _check_scale(scale)
        super().__init__(**kwargs)

    def _head_size(self) -> int:
        return 2 if self.scale == "predicted" else 1

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        super().build(features_shape, event_shape)
        if self.scale in ("shared", "per_output"):
            per_output = self.scale == "per_output"
            self.raw_scale = self.add_weight(
                name="raw_scale",
                shape=self.event_shape if per_output else (),
                initializer="zeros",
            )

    def call(self, features: Tensor) -> dict[str, Tensor]:
        parameters = self.head(features)
        if self.scale == "predicted":
            scale = positive_scale(parameters[1])
        elif isinstance(self.scale, float):
            scale = ops.full((), self.scale, dtype="float32")
        else:
            scale = positive_scale(ops.convert_to_tensor(self.raw_scale))
        return {"loc": parameters[0], "scale": scale}

    def distribution(self, parameters: dict[str, Tensor]) -> NormalDistribution:
        return NormalDistribution(
            parameters["loc"], parameters["scale"], self.event_ndim
        )

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "scale": self.scale}


def _check_scale(scale: float | str) -> float | str:
    if scale in _LEARNED:
        return scale
    number = isinstance(scale, (int, float)) and not isinstance(scale, bool)
    if not number or not 0.0 < float(scale) < float("inf"):
        raise ValueError(
            "`scale` must be a positive finite number or one of "
            f"{list(_LEARNED)}. Received: scale={scale!r} of type "
            f'{type(scale).__name__}. Pass e.g. `Normal(scale="shared")`.'
        )
    return float(scale)
