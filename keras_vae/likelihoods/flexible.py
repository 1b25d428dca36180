"""Likelihoods with parameters that are fixed, learned or predicted."""

import numbers
from typing import Any

from keras import ops

from keras_vae.distributions.bounds import positive_scale
from keras_vae.likelihoods.likelihood import Likelihood
from keras_vae.types import Shape, Tensor

LEARNED = ("shared", "per_output", "predicted")


class FlexibleLikelihood(Likelihood):
    """A likelihood some of whose parameters may be fixed or learned.

    Each name in `flexible` is an argument of the constructor: a number, or
    `"shared"` (one learned for all elements of x), `"per_output"` (one
    learned for each element) or `"predicted"` (the decoder gives it for each
    element). `num_parameters` counts those that the decoder always gives.
    """

    flexible: tuple[str, ...] = ("scale",)

    def _checked(
        self, name: str, value: float | str, above: float = 0.0
    ) -> float | str:
        """Returns the argument `name`, a number of which is above `above`."""
        if isinstance(value, str) and value in LEARNED:
            return value
        number = isinstance(value, numbers.Real) and not isinstance(value, bool)
        if not number or not above < float(value) < float("inf"):
            expected = "positive finite number"
            if above != 0.0:
                expected = f"finite number above {above:g}"
            raise ValueError(
                f"`{name}` must be a {expected} or one of "
                f"{list(LEARNED)}. Received: {name}={value!r} of type "
                f"{type(value).__name__}. Pass e.g. "
                f'`{type(self).__name__}({name}="shared")`.'
            )
        return float(value)

    def _head_size(self) -> int:
        chosen = [getattr(self, name) for name in self.flexible]
        return self.num_parameters + chosen.count("predicted")

    def build(self, features_shape: Shape, event_shape: Shape) -> None:
        super().build(features_shape, event_shape)
        for name in self.flexible:
            chosen = getattr(self, name)
            if chosen in ("shared", "per_output"):
                shape = self.event_shape if chosen == "per_output" else ()
                weight = self.add_weight(
                    name=f"raw_{name}", shape=shape, initializer="zeros"
                )
                setattr(self, f"raw_{name}", weight)

    def _split(
        self, features: Tensor
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """Returns the head's own parameters, and the flexible ones by name."""
        tensors = list(self.head(features))
        own = tensors[: self.num_parameters]
        predicted = tensors[self.num_parameters :]
        flexible = {}
        for name in self.flexible:
            chosen = getattr(self, name)
            if chosen == "predicted":
                flexible[name] = self._bound(name, predicted.pop(0))
            elif isinstance(chosen, float):
                flexible[name] = ops.full((), chosen, dtype="float32")
            else:
                raw = ops.convert_to_tensor(getattr(self, f"raw_{name}"))
                flexible[name] = self._bound(name, raw)
        return own, flexible

    def _bound(self, name: str, raw: Tensor) -> Tensor:
        """Maps real numbers smoothly to values that the parameter may take."""
        del name
        return positive_scale(raw)

    def get_config(self) -> dict[str, Any]:
        chosen = {name: getattr(self, name) for name in self.flexible}
        return {**super().get_config(), **chosen}
