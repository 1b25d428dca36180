"""A likelihood for each block of columns."""

from collections.abc import Iterator, Sequence
from typing import Any

import keras
import numpy as np

from keras_vae.distributions import Joint as JointDistribution
from keras_vae.likelihoods.likelihood import (
    Likelihood,
    registry,
    support_message,
)
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int, require

_FIX = (
    "Pass e.g. `Joint([likelihoods.Normal(), likelihoods.Bernoulli()], "
    "sizes=[3, 2])`."
)


@registry.register("joint")
class Joint(Likelihood):
    """A likelihood for each block of columns of x, some values missing.

    x is a vector. NaN means a missing value: it adds nothing to `log_prob`,
    and the encoder is given 0 in its place, so what is trained is the ELBO
    of the values that are there. One NaN in a one-hot block makes its
    category missing. The mean and samples fill every column.
    Source: Nazabal et al., 2020, section 3 (heterogeneous and incomplete
    data), https://arxiv.org/abs/1807.03653.

    Args:
        likelihoods: Likelihoods, one for each block, or their registered
            names.
        sizes: Integers, number of columns of each block. Defaults to `None`:
            one column each.

    Input shape:
        `(batch, ...)`, the decoder's features.

    Output shape:
        The blocks' parameters, as `"0.loc"` for `loc` of the first.

    Raises:
        TypeError: if a likelihood is none, or a size no integer.
        ValueError: if there are no likelihoods, not as many sizes, or the
            sizes do not add up to the columns of x.

    Example:
    >>> likelihood = keras_vae.likelihoods.Joint(
    ...     [
    ...         keras_vae.likelihoods.Normal(scale="per_output"),
    ...         keras_vae.likelihoods.Categorical(3, one_hot=True),
    ...     ],
    ...     sizes=[4, 3],
    ... )
    """

    allows_missing = True

    def __init__(
        self,
        likelihoods: Sequence[Likelihood | str] = (),
        sizes: Sequence[int] | None = None,
        **kwargs: Any,
    ) -> None:
        require(
            isinstance(likelihoods, (list, tuple)) and len(likelihoods) > 0,
            "`likelihoods` must be a list of at least one likelihood. "
            f"Received: likelihoods={likelihoods!r}. {_FIX}",
        )
        if sizes is None:
            sizes = [1] * len(likelihoods)
        require(
            len(sizes) == len(likelihoods),
            "`sizes` must hold one number for each likelihood. Received: "
            f"{len(sizes)} sizes for {len(likelihoods)} likelihoods. {_FIX}",
        )
        super().__init__(**kwargs)
        self.sizes = tuple(positive_int("sizes", n, _FIX) for n in sizes)
        self.likelihoods = [
            registry.get(one, Likelihood) for one in likelihoods
        ]

    def _make_head(self) -> None:
        return None

    def _blocks(self) -> Iterator[tuple[int, Likelihood, slice]]:
        start = 0
        for n, (one, size) in enumerate(
            zip(self.likelihoods, self.sizes, strict=True)
        ):
            yield n, one, slice(start, start + size)
            start += size

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        require(
            tuple(event_shape) == (sum(self.sizes),),
            f"`sizes` must add up to the columns of x, a vector. Received: "
            f"sizes={self.sizes}, which add up to {sum(self.sizes)}, for x of "
            f"shape (batch, {', '.join(map(str, event_shape))}). {_FIX}",
        )
        super().build(features_shape, event_shape)
        for one, size in zip(self.likelihoods, self.sizes, strict=True):
            if not one.built:
                one.build(features_shape, event_shape=(size,))

    def call(self, features: Tensor) -> dict[str, Tensor]:
        return {
            f"{n}.{name}": value
            for n, one, _ in self._blocks()
            for name, value in one(features).items()
        }

    def distribution(self, parameters: dict[str, Tensor]) -> JointDistribution:
        blocks = []
        for n, one, _ in self._blocks():
            prefix = f"{n}."
            own = {
                name.removeprefix(prefix): value
                for name, value in parameters.items()
                if name.startswith(prefix)
            }
            blocks.append(one.distribution(own))
        fillers = [one.filler for one in self.likelihoods]
        return JointDistribution(blocks, fillers)

    def outside_support(self, x: np.ndarray) -> np.ndarray:
        marks = [
            one.outside_support(x[:, part]) for _, one, part in self._blocks()
        ]
        return np.concatenate(marks, axis=1)

    def check_support(self, x: np.ndarray, first: int = 0) -> None:
        for n, one, part in self._blocks():
            wrong = np.zeros(x.shape, dtype=bool)
            wrong[:, part] = one.outside_support(x[:, part])
            wrong &= ~np.isnan(x)
            if wrong.any():
                name = (
                    f"`{type(one).__name__}`, block {n} of `Joint` with "
                    f"columns {part.start} to {part.stop - 1}"
                )
                message = support_message(one, name, x, wrong, first)
                raise ValueError(message)

    def get_config(self) -> dict[str, Any]:
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "likelihoods": [serialize(one) for one in self.likelihoods],
            "sizes": list(self.sizes),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Joint":
        """Makes the likelihood from `get_config`'s arguments."""
        config = dict(config)
        config["likelihoods"] = [
            keras.saving.deserialize_keras_object(one)
            for one in config["likelihoods"]
        ]
        return cls(**config)
