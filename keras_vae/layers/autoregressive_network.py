"""A masked network whose outputs look at the elements before them alone."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_vae.distributions.bounds import bounded
from keras_vae.layers.masked_dense import MaskedDense
from keras_vae.types import Shape, Tensor
from keras_vae.validation import positive_int

# sigma = sigmoid(s) starts near sigmoid(1.5) = 0.82 and stays between
# sigmoid(-5.5) and sigmoid(8.5).
_START, _LIMIT = 1.5, 7.0


@keras.saving.register_keras_serializable(package="keras_vae")
class AutoregressiveNetwork(keras.layers.Layer):
    """(m, s) of an inverse autoregressive flow's step.

    `m_i` and `s_i` depend on the context and on the elements of z before
    the i-th. It computes in float32 under any precision policy.
    Source: Germain et al., 2015, section 4.2 (the masks),
    https://arxiv.org/abs/1502.03509; Kingma et al., 2016, section 3 (the
    context, and an s that starts positive),
    https://arxiv.org/abs/1606.04934.

    Args:
        dim: Positive integer, elements of z.
        hidden_dims: Sequence of positive integers, units of the hidden
            layers. Defaults to `(64,)`.
        backwards: Boolean, whether the last element comes first. Defaults
            to `False`.

    Call arguments:
        z: Tensor `(..., batch, dim)`.
        context: Tensor `(batch, context_dim)`.
        stopped: Boolean, whether to cut the gradient of the weights and the
            context. Defaults to `False`.

    Output shape:
        A pair `(m, s)` of tensors of z's shape; s is bounded.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if a number is below 1.

    Example:
    >>> network = keras_vae.layers.AutoregressiveNetwork(dim=3)
    >>> m, s = network(keras.ops.zeros((2, 3)), keras.ops.zeros((2, 8)))
    """

    def __init__(
        self,
        dim: int,
        hidden_dims: Sequence[int] = (64,),
        backwards: bool = False,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("dtype", "float32")
        super().__init__(**kwargs)
        self.dim = positive_int("dim", dim, "Pass e.g. `dim=16`.")
        self.hidden_dims = check_hidden_dims(hidden_dims)
        self.backwards = bool(backwards)
        order = np.arange(self.dim)
        self.order = order[::-1] if self.backwards else order

    def build(self, z_shape: Shape, context_shape: Shape) -> None:
        """Creates the weights.

        Args:
            z_shape: Shape of z, `(..., dim)`.
            context_shape: Shape of the context, `(batch, context_dim)`.
        """
        del z_shape
        self.context = self._child(
            keras.layers.Dense, "context", self.hidden_dims[0]
        )
        self.context.build((None, context_shape[-1]))
        # A hidden unit of degree d sees the first d elements; the element of
        # order i may see the units of degree i or less.
        degrees = self.order + 1
        self.hidden = []
        for number, units in enumerate(self.hidden_dims):
            after = np.arange(units) % self.dim
            mask = degrees[:, None] <= after[None, :]
            self.hidden.append(
                self._child(MaskedDense, f"hidden_{number}", mask)
            )
            self.hidden[-1].build((None, len(degrees)))
            degrees = after
        mask = degrees[:, None] <= np.tile(self.order, 2)[None, :]
        self.last = self._child(MaskedDense, "last", mask)
        self.last.build((None, len(degrees)))

    def _child(self, cls: Any, name: str, argument: Any) -> Any:
        return cls(argument, dtype=self.dtype_policy, name=name)

    def call(
        self, z: Tensor, context: Tensor, stopped: bool = False
    ) -> tuple[Tensor, Tensor]:
        h = self.hidden[0](z, stopped=stopped) + self._context(context, stopped)
        for layer in self.hidden[1:]:
            h = layer(ops.elu(h), stopped=stopped)
        m, raw = ops.split(self.last(ops.elu(h), stopped=stopped), 2, -1)
        return m, bounded(raw, _LIMIT) + _START

    def _context(self, context: Tensor, stopped: bool) -> Tensor:
        kernel, bias = self.context.kernel, self.context.bias
        values = ops.matmul(context, kernel) + bias
        return ops.stop_gradient(values) if stopped else values

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "dim": self.dim,
            "hidden_dims": list(self.hidden_dims),
            "backwards": self.backwards,
        }


def check_hidden_dims(hidden_dims: Sequence[int]) -> tuple[int, ...]:
    """Returns at least one positive integer.

    Raises:
        TypeError: if one is no integer.
        ValueError: if one is below 1 or there is none.
    """
    fix = "Pass e.g. `hidden_dims=(64,)`."
    if isinstance(hidden_dims, int) or len(hidden_dims) == 0:
        raise ValueError(
            "`hidden_dims` must be a sequence of at least one positive "
            f"integer. Received: hidden_dims={hidden_dims!r}. {fix}"
        )
    return tuple(positive_int("hidden_dims", n, fix) for n in hidden_dims)
