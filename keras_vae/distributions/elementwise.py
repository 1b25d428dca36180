"""What distributions with independent elements have in common."""

import copy

from keras import ops

from keras_vae.distributions.distribution import (
    Distribution,
    check_event_ndim,
    flat_events,
    sum_event,
)
from keras_vae.distributions.special import as_float32
from keras_vae.types import Shape, Tensor


class Elementwise(Distribution):
    """A distribution whose elements are independent.

    A subclass hands its parameters to `_set_parameters`, and answers for
    each element in `_log_prob` and, where it has a closed form, `_entropy`.
    Everything is computed in float32.
    """

    event_ndim: int

    def _set_parameters(self, event_ndim: int, **parameters: Tensor) -> None:
        """Stores parameters by name; the first has the elements' shape."""
        self._parameters = tuple(parameters)
        for name, value in parameters.items():
            setattr(self, name, as_float32(value))
        first = self._parameters[0]
        self.event_ndim = check_event_ndim(
            first, getattr(self, first), event_ndim
        )

    def _values(self) -> list[Tensor]:
        return [getattr(self, name) for name in self._parameters]

    def _with(self, values: list[Tensor]) -> "Elementwise":
        """Returns a copy with other values of the parameters."""
        one = copy.copy(self)
        for name, value in zip(self._parameters, values, strict=True):
            setattr(one, name, value)
        return one

    def _elements(self) -> Tensor:
        return getattr(self, self._parameters[0])

    def _full(self, parameter: Tensor) -> Tensor:
        """Gives a parameter that broadcasts the shape of the elements."""
        return parameter + ops.zeros_like(self._elements())

    @property
    def batch_shape(self) -> Shape:
        shape = ops.shape(self._elements())
        return tuple(shape[: len(shape) - self.event_ndim])

    @property
    def event_shape(self) -> Shape:
        shape = ops.shape(self._elements())
        return tuple(shape[len(shape) - self.event_ndim :])

    def log_prob(self, x: Tensor) -> Tensor:
        (x, *values), event_ndim = flat_events(
            self.event_ndim, as_float32(x), *self._values()
        )
        return sum_event(self._with(values)._log_prob(x), event_ndim)

    def entropy(self) -> Tensor:
        return sum_event(self._entropy(), self.event_ndim)

    def _log_prob(self, x: Tensor) -> Tensor:
        raise NotImplementedError

    def _entropy(self) -> Tensor:
        raise NotImplementedError(
            f"`{type(self).__name__}.entropy` has no closed form here. "
            "Estimate it from samples: "
            "`-keras.ops.mean(p.log_prob(p.sample(1000)), axis=0)`."
        )

    def stopped(self) -> "Elementwise":
        return self._with([ops.stop_gradient(v) for v in self._values()])

    def _to_event(self, noise: Tensor) -> Tensor:
        """Gives noise of shape `(..., event_size)` the shape of events."""
        if self.event_ndim == 1:
            return noise
        return ops.reshape(noise, (*ops.shape(noise)[:-1], *self.event_shape))

    def _sample_shape(self, num_samples: int | None) -> Shape:
        return (*self._leading(num_samples), *self.event_shape)
