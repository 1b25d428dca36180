"""A seed gives the same latents, and the same image, in every runtime."""

import numpy as np
import pytest

from keras_vae import random
from tests.keras_vae_export.runtimes import in_javascript
from tests.keras_vae_export.runtimes.cases import (
    LATENT_DIM,
    SEEDED,
    Case,
    asked,
)

pytestmark = pytest.mark.once

RUNTIMES = (
    "onnxruntime",
    "onnxruntime_unoptimised",
    "onnx_reference",
    "tract",
    *in_javascript.RUNTIMES,
)
# The stream's published values: two samples of four latents.
PUBLISHED = {
    7: [
        [-0.0404642, -0.4362647, -0.3205668, 0.7990275],
        [1.9440784, 0.9638852, 1.8794546, -0.0984363],
    ],
    -1: [
        [-0.5703732, 1.5522108, 0.9319686, -0.2692088],
        [-1.9567599, -0.3086686, -1.1304402, -1.0075939],
    ],
}


@pytest.mark.parametrize(("runtime", "case"), asked(RUNTIMES, SEEDED), ids=str)
def test_a_seed_gives_what_keras_gives(runtime, case, ask, expected, note):
    outputs, live = ask(runtime, case), expected(case)
    note(runtime, case, outputs["x"], live["x"])
    for name, shape in {"x": (8, 8, 1), "z": (LATENT_DIM,)}.items():
        assert outputs[name].dtype == live[name].dtype == np.float32
        assert outputs[name].shape == live[name].shape == (case.size, *shape)
        np.testing.assert_allclose(outputs[name], live[name], rtol=0, atol=1e-5)
    if case.model == "standard_normal":
        np.testing.assert_array_equal(outputs["z"], live["z"])


@pytest.mark.parametrize("seed", PUBLISHED)
@pytest.mark.parametrize("runtime", RUNTIMES)
def test_the_published_latents(runtime, seed, ask):
    z = ask(runtime, Case("standard_normal", "generate", 7, seed))["z"]
    np.testing.assert_allclose(z[:2], PUBLISHED[seed], rtol=0, atol=5.1e-8)


def test_every_component_of_the_mixture_is_chosen(vaes):
    thresholds = vaes["gaussian_mixture"].prior.thresholds()
    bits = random.uniform_bits(1000, 1, seed=7)
    choices = random.choose_each(bits, thresholds)
    assert set(choices.ravel().tolist()) == {0, 1, 2}
