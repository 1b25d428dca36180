"""The Student-t likelihood."""

import math
from typing import Any

from keras_vae.distributions import StudentT as StudentTDistribution
from keras_vae.distributions.bounds import positive_scale
from keras_vae.likelihoods.likelihood import registry
from keras_vae.likelihoods.location_scale import LocationScale
from keras_vae.types import Tensor


@registry.register("student_t")
class StudentT(LocationScale):
    """Student-t likelihood: robust against outliers.

    A learned scale is bounded smoothly between exp(-7) and exp(7), learned
    degrees of freedom between 1 and 1,098; they start at 5.
    Source: Takahashi et al., 2018, equation 9,
    https://doi.org/10.24963/ijcai.2018/374.

    Args:
        df: Float above 1 (below, there is no mean), fixed degrees of
            freedom; or `"shared"`, `"per_output"` or `"predicted"`, as for
            `scale`. Defaults to `4.0`.
        scale: Positive float, fixed; or one of `"shared"` (one learned for
            all elements), `"per_output"` (one learned for each element of x)
            and `"predicted"` (the decoder gives it for each element).
            Defaults to `1.0`.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        `{"loc": (batch, *event_shape), "df": ..., "scale": ...}`, the last
        two of shapes that broadcast to that of `loc`.

    Raises:
        ValueError: if `df` or `scale` is neither such a number nor one of
            the three words.

    Example:
    >>> likelihood = keras_vae.likelihoods.StudentT(df="shared")
    """

    distribution_class = StudentTDistribution
    flexible = ("df", "scale")

    def __init__(
        self, df: float | str = 4.0, scale: float | str = 1.0, **kwargs: Any
    ) -> None:
        self.df = self._checked("df", df, above=1.0)
        super().__init__(scale, **kwargs)

    def _bound(self, name: str, raw: Tensor) -> Tensor:
        if name == "df":
            return 1.0 + positive_scale(raw + _LOG_4)
        return positive_scale(raw)


_LOG_4 = math.log(4.0)
