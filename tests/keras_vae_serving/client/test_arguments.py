"""What cannot be meant is told before anything is sent."""

import numpy as np
import pytest

from keras_vae_serving import Client
from tests.keras_vae_serving.client.standin import StandIn

pytestmark = pytest.mark.once

X = np.zeros((2, 4, 4, 1))
INT64 = "from -2\\^63 to 2\\^63 - 1"


@pytest.fixture(scope="module")
def asked():
    """A client of a server that is not to be asked."""
    with StandIn(lambda _: (200, "{}")) as server:
        with Client(server.url, "digits") as client:
            yield client
        assert server.asked == []


@pytest.mark.parametrize(
    ("method", "arguments", "error", "message"),
    [
        (
            "generate",
            (-1,),
            ValueError,
            "`num_samples` must be an integer from 0",
        ),
        ("generate", (2**31,), ValueError, "Received: num_samples=2147483648"),
        ("generate", (1.0,), TypeError, "num_samples=1.0 of type float. Pass"),
        ("generate", (True,), TypeError, "num_samples=True of type bool"),
        (
            "generate",
            (1, 2**63),
            ValueError,
            f"`seed` must be an integer {INT64}",
        ),
        ("generate", (1, -(2**63) - 1), ValueError, "Pass e.g. `seed=7`"),
        ("generate", (1, 0.5), TypeError, "Received: seed=0.5 of type float"),
        (
            "generate",
            (1, 0, -1),
            ValueError,
            "`temperature` must be at least 0",
        ),
        ("generate", (1, 0, np.nan), ValueError, "finite in float32"),
        ("generate", (1, 0, 1e39), ValueError, r"Received: temperature=1e\+39"),
        ("generate", (1, 0, "1"), TypeError, "must hold numbers of at least 0"),
        (
            "generate",
            (1, 0, [1, 2]),
            ValueError,
            "must be one number. Received",
        ),
        ("generate_rows", (7,), ValueError, r"`seeds` must have shape \(num_"),
        ("generate_rows", ([[7]],), ValueError, r"Received: shape \(1, 1\)"),
        (
            "generate_rows",
            ([7.0],),
            TypeError,
            "Received: an array of dtype float",
        ),
        ("generate_rows", (["7"],), TypeError, "an array of dtype <U1"),
        ("generate_rows", ([2**63],), ValueError, f"must be integers {INT64}"),
        (
            "generate_rows",
            ([-1, 2**64],),
            ValueError,
            "-1 to 18446744073709551616",
        ),
        ("generate_rows", ([7, 8], [1]), ValueError, r"have shape \(2,\)"),
        (
            "generate_png",
            ([7], -1),
            ValueError,
            "`temperature` must be at least",
        ),
        (
            "decode",
            ([1, 2],),
            ValueError,
            r"`z` must have shape \(N, latent_dim\)",
        ),
        ("decode", ([["a"]],), TypeError, "`z` must hold real numbers"),
        ("decode", ([[1j]],), TypeError, "dtype complex128. Pass a float32"),
        (
            "encode",
            (np.zeros(3),),
            ValueError,
            r"`x` must have shape \(N, \.\.\.\)",
        ),
        (
            "reconstruct",
            (5,),
            ValueError,
            r"Received: shape \(\). Pass a batch",
        ),
        ("score", (X, 0.5), TypeError, "`seed` must be an integer"),
        ("score", (X, [1, 2, 3]), ValueError, "Received: 3 for 2 rows"),
        ("score", (X, [0.5, 1]), TypeError, "`seeds` must be integers"),
    ],
)
def test_bad_arguments(asked, method, arguments, error, message):
    with pytest.raises(error, match=message):
        getattr(asked, method)(*arguments)


@pytest.mark.parametrize(
    ("condition", "error", "message"),
    [
        (["a", "b"], TypeError, "`condition` must hold numbers. Received: an"),
        ([1, 2, 3], ValueError, r"each of the 2 rows. Received: shape \(3,\)"),
        (np.zeros((2, 1, 1)), ValueError, r"Received: shape \(2, 1, 1\)"),
        ([[np.nan, 1]], ValueError, "must hold finite numbers"),
    ],
)
def test_bad_conditions(asked, condition, error, message):
    for call in (
        lambda: asked.generate(2, condition=condition),
        lambda: asked.generate_rows([7, 8], condition=condition),
        lambda: asked.decode(np.zeros((2, 3)), condition),
        lambda: asked.score(X, condition=condition),
    ):
        with pytest.raises(error, match=message):
            call()


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (
            4,
            r"labels of the 4 classes. Received: condition\[0\]=4. Pass labels",
        ),
        ([0, -1], r"Received: condition\[1\]=-1. Pass labels from 0 to 3"),
        ([0.5, 1], r"Received: condition\[0\]=0.5"),
    ],
)
def test_labels_that_are_none(conditional, condition, message):
    with pytest.raises(ValueError, match=message):
        conditional.generate(2, condition=condition)


def test_a_model_without_conditions(client):
    message = "`condition` must be left out: the model takes none"
    with pytest.raises(ValueError, match=message):
        client.generate(2, condition=1)


@pytest.mark.parametrize("kind_of", [np.int64, np.uint8, np.int32])
def test_integers_of_numpy_are_integers(client, kind_of):
    np.testing.assert_array_equal(
        client.generate(kind_of(2), kind_of(7)), client.generate(2, 7)
    )
    np.testing.assert_array_equal(
        client.generate_rows(np.array([7, 8], kind_of)),
        client.generate_rows([7, 8]),
    )
