"""The partially importance-weighted autoencoder's objective."""

from keras_vae.objectives.importance import log_mean_weight, normalized_weights
from keras_vae.objectives.miwae import MIWAE
from keras_vae.objectives.objective import registry
from keras_vae.types import Tensor


@registry.register("piwae")
class PIWAE(MIWAE):
    """A tight bound for the decoder, a less noisy one for the encoder.

    The decoder and the prior follow the gradient of the bound of all m * k
    samples (`IWAE`), the encoder that of the mean of m bounds of k samples
    (`MIWAE`). The value of its loss is the former's.
    Source: Rainforth et al., 2018, PIWAE,
    https://arxiv.org/abs/1802.04537.

    Args:
        num_groups: Positive integer m, bounds that are averaged for the
            encoder. Defaults to `8`.
        group_size: Positive integer k, samples of each of them. Defaults to
            `8`.
        gradient: The encoder's: `"reparameterized"`, `"stl"` or `"dreg"`,
            as in `MIWAE`. Defaults to `"reparameterized"`.

    Raises:
        TypeError: if a number is no integer.
        ValueError: if an argument is out of its range.

    Example:
    >>> objective = keras_vae.objectives.PIWAE(num_groups=8, group_size=8)
    """

    def bound(self, log_w: Tensor) -> Tensor:
        return log_mean_weight(log_w)

    def decoder_weights(self, log_w: Tensor) -> Tensor:
        return normalized_weights(log_w)

    def separates(self) -> bool:
        return True
