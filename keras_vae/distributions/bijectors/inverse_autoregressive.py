"""The step of an inverse autoregressive flow."""

from collections.abc import Callable
from typing import Any

import numpy as np
from keras import ops

from keras_vae.distributions.bijectors.bijector import Bijector
from keras_vae.types import Tensor


class InverseAutoregressive(Bijector):
    """f(z) = sigma * z + (1 - sigma) * m, with sigma = sigmoid(s).

    `m_i` and `s_i` depend on the elements of z before the i-th alone, so
    that the Jacobian is triangular. The inverse finds one element after the
    other: it calls the network `dim` times.
    Source: Kingma et al., 2016, algorithm 1 and equations 13 and 14,
    https://arxiv.org/abs/1606.04934.

    Args:
        network: Function of z, `(..., *batch, dim)`, and `stopped`, a
            boolean that cuts the gradient of its parameters; it returns
            `(m, s)`, each of z's shape.
        order: Integers `(dim,)`: how many elements come before each one.
        stopped: Boolean. Defaults to `False`.

    Example:
    >>> step = bijectors.InverseAutoregressive(network, order=[0, 1, 2])
    >>> z, log_det = step.forward(z)
    """

    def __init__(
        self,
        network: Callable[..., tuple[Tensor, Tensor]],
        order: Any,
        stopped: bool = False,
    ) -> None:
        self.network = network
        self.order = np.asarray(order)
        self._stopped = stopped

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        m, s = self.network(z, stopped=self._stopped)
        sigma = ops.sigmoid(s)
        # 1 - sigma = sigmoid(-s); log sigma = -softplus(-s)
        log_det = -ops.sum(ops.softplus(-s), axis=-1)
        return sigma * z + ops.sigmoid(-s) * m, log_det

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        z, s = ops.zeros_like(x), ops.zeros_like(x)
        for position in range(len(self.order)):
            m, s = self.network(z, stopped=self._stopped)
            found = (x - ops.sigmoid(-s) * m) / ops.sigmoid(s)
            known = ops.convert_to_tensor(self.order <= position)
            z = ops.where(known, found, 0.0)
        # The last call has seen all elements that any other depends on.
        return z, -ops.sum(ops.softplus(-s), axis=-1)

    def stopped(self) -> "InverseAutoregressive":
        return InverseAutoregressive(self.network, self.order, stopped=True)
