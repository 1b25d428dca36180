"""What every bijector answers."""

from keras_vae.types import Tensor


class Bijector:
    """An invertible, differentiable map of vectors, one step of a flow."""

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Maps z.

        Args:
            z: Tensor `(..., *batch, dim)`.

        Returns:
            `(f(z), log_det)`: a tensor of z's shape, and the logarithm of
            the absolute Jacobian determinant at z, `(..., *batch)` nats.
        """
        raise NotImplementedError

    def inverse(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Undoes `forward`.

        Args:
            x: Tensor `(..., *batch, dim)`.

        Returns:
            `(z, log_det)` with `forward(z) == (x, log_det)`.

        Raises:
            NotImplementedError: if the inverse has no closed form.
        """
        raise NotImplementedError(
            f"The inverse of `{type(self).__name__}` has no closed form: its "
            "density is known only along the path from the noise. Use e.g. "
            "`from_noise_with_log_prob(*draw_noise(num_samples, seed))`."
        )

    def stopped(self) -> "Bijector":
        """Returns this map with the gradient of its parameters cut.

        Raises:
            NotImplementedError: as `inverse`.
        """
        raise NotImplementedError(
            f"`{type(self).__name__}` has no inverse in closed form, which a "
            "log-density with its parameters held fixed would take. Use a "
            'gradient estimator that needs none: `gradient="reparameterized"`.'
        )
