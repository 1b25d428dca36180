"""Every signature: both clients, both protocols, both servers' answers."""

import io

import numpy as np
import pytest
from PIL import Image

from keras_vae_serving.status import Code, ServingError
from tests.keras_vae_serving.directories import LINEAR, LinearModel

pytestmark = pytest.mark.once

ENDS = [-(2**63), -1, 0, 7, 2**63 - 1]
CONDITIONAL = LinearModel(condition_dim=4)


def close(found, expected):
    assert found.dtype == np.float32
    assert found.flags.writeable
    np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)


def test_generate(client):
    expected = LINEAR.generate(3, 7, np.float32(0.5))
    x, z = client.generate(3, 7, 0.5, return_latents=True)
    close(x, expected["x"])
    close(z, expected["z"])
    close(client.generate(num_samples=3, seed=7, temperature=0.5), x)


def test_a_seed_that_is_not_given_is_a_fresh_one(client):
    # The linear model tells 101 seeds apart: two that differ may look equal,
    # six that all do are one seed.
    drawn = [client.generate(8) for _ in range(6)]
    assert {x.shape for x in drawn} == {(8, 4, 4, 1)}
    assert len({x.tobytes() for x in drawn}) > 1


def test_seeds_reach_the_ends_of_int64(client):
    temperatures = np.linspace(0, 2, len(ENDS))
    x, z = client.generate_rows(ENDS, temperatures, return_latents=True)
    expected = LINEAR.generate_rows(ENDS, temperatures.astype("float32"))
    close(x, expected["x"])
    close(z, expected["z"])
    for seed, row in zip(ENDS, client.generate_rows(ENDS), strict=True):
        close(client.generate(1, seed), row[None])


def test_png_files(client):
    files = client.generate_png([7, 8], temperature=0.5)
    assert all(type(one) is bytes for one in files)
    x = np.clip(client.generate_rows([7, 8], 0.5), 0, 1)
    for file, image in zip(files, x, strict=True):
        pixels = np.asarray(Image.open(io.BytesIO(file)))
        np.testing.assert_array_equal(pixels, np.rint(255 * image[..., 0]))


def test_the_encoder(client):
    x = np.random.default_rng(0).normal(size=(5, 4, 4, 1))
    expected = LINEAR.encode(x.astype("float32"))
    found = client.encode(x)
    assert set(found) == {"loc", "scale"}
    close(found["loc"], expected["loc"])
    close(found["scale"], expected["scale"])
    z = expected["loc"]
    close(client.decode(z), LINEAR.decode(z)["x"])
    close(client.reconstruct(x), client.decode(found["loc"]))
    scores = LINEAR.score(x.astype("float32"), ENDS)["elbo"]
    np.testing.assert_allclose(client.score(x, ENDS), scores, rtol=1e-5)
    close(client.score(x, 7), client.score(x, [7] * 5))
    close(client.score(x), client.score(x, 0))


def test_what_is_not_finite_goes_in_and_comes_out(client):
    z = np.array([[np.nan, 0, 0], [np.inf, 0, 0], [-np.inf, 0, 0], [1, 2, 3]])
    with np.errstate(invalid="ignore"):
        expected = LINEAR.decode(z.astype("float32"))["x"]
    found = client.decode(z)
    assert np.isnan(found[0]).all()
    assert {-np.inf, np.inf} <= set(found[1:3].ravel())
    close(found, expected)


@pytest.mark.parametrize("empty", [[], np.zeros((0,), "int64")])
def test_no_seeds(client, empty):
    x, z = client.generate_rows(empty, return_latents=True)
    assert (x.shape, z.shape) == ((0, 4, 4, 1), (0, 3))
    assert client.generate_png(empty) == []


def test_no_rows(client):
    x = np.zeros((0, 4, 4, 1))
    assert client.generate(0).shape == (0, 4, 4, 1)
    assert client.decode(np.zeros((0, 3))).shape == (0, 4, 4, 1)
    assert client.encode(x)["scale"].shape == (0, 3)
    assert client.reconstruct(x).shape == (0, 4, 4, 1)
    assert client.score(x, []).shape == (0,)
    assert client.score(x).dtype == np.float32


def test_large_arrays(client):
    z = np.random.default_rng(0).normal(size=(2000, 3)).astype("float32")
    close(client.decode(z), LINEAR.decode(z)["x"])


def test_a_layout_of_memory_does_not_matter(client):
    z = np.random.default_rng(0).normal(size=(3, 8)).astype(">f4")
    close(client.decode(z.T), LINEAR.decode(z.T.astype("float32"))["x"])


@pytest.mark.parametrize(
    "condition", [2, [2], [2, 2, 2], [[2]], np.eye(4)[[2]]]
)
def test_conditions(conditional, condition):
    vectors = np.eye(4, dtype="float32")[[2, 2, 2]]
    expected = CONDITIONAL.generate(3, 7, np.float32(1), vectors)["x"]
    close(conditional.generate(3, 7, condition=condition), expected)


def test_conditions_of_every_signature(conditional):
    labels, vectors = [3, 0], np.eye(4, dtype="float32")[[3, 0]] * 2
    for given, rows in ((labels, vectors / 2), (vectors, vectors)):
        expected = CONDITIONAL.generate_rows([7, 8], [1, 1], rows)
        x, z = conditional.generate_rows([7, 8], 1.0, True, given)
        close(x, expected["x"])
        close(z, expected["z"])
        close(conditional.decode(z, given), x)
        loc = conditional.encode(x, given)["loc"]
        close(conditional.reconstruct(x, given), conditional.decode(loc, given))
        assert len(conditional.generate_png([7, 8], condition=given)) == 2
        assert conditional.score(x, condition=given).shape == (2,)


def test_errors_have_the_code_and_the_text_of_the_contract(client):
    message = r"Input z must have shape \[-1,3\]. Received: \[2,5\]"
    with pytest.raises(ServingError, match=message) as caught:
        client.decode(np.zeros((2, 5)))
    assert caught.value.code == Code.INVALID_ARGUMENT
    assert caught.value.http_status == 400


def test_a_condition_must_be_there(conditional):
    with pytest.raises(ServingError, match="condition") as caught:
        conditional.generate(3, 7)
    assert caught.value.code == Code.INVALID_ARGUMENT
