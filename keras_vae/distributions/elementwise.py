"""What distributions with independent elements have in common."""

import copy

from keras import ops

from keras_vae.distributions.distribution import (
    Distribution,
    check_event_ndim,
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
        return sum_event(self._log_prob(as_float32(x)), self.event_ndim)

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
        one = copy.copy(self)
        for name in self._parameters:
            setattr(one, name, ops.stop_gradient(getattr(self, name)))
        return one

    def _to_event(self, noise: Tensor) -> Tensor:
        """Gives noise of shape `(..., event_size)` the shape of events."""
        if self.event_ndim == 1:
            return noise
        return ops.reshape(noise, (*ops.shape(noise)[:-1], *self.event_shape))

    def _sample_shape(self, num_samples: int | None) -> Shape:
        return (*self._leading(num_samples), *self.event_shape)
