"""Products along the last axis of many small vectors, compiled."""

import numpy as np
import pytest

from keras_vae.distributions.vector import inner_product
from tests.keras_vae.distributions.compiling import run


@pytest.mark.parametrize("shape", [(3,), (300, 3), (12_000, 3), (50, 300, 3)])
@pytest.mark.parametrize("broadcast", [False, True])
def test_a_reflection_of_many_vectors(shape, broadcast):
    """XLA compiles the plain sum of products wrongly from some size on."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=shape).astype("float32")
    v = rng.normal(size=shape[-1:] if broadcast else shape).astype("float32")
    received = run(lambda z, v: z - 2.0 * v * inner_product(z, v), z, v)
    along = (z.astype("float64") * v).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(received, z - 2 * v * along, 1e-4, 1e-4)
