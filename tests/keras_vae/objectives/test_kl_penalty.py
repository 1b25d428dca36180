"""Free bits and a capacity: what the objective may make of the KL."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae.distributions import Bernoulli, Normal, kl_divergence
from keras_vae.objectives import ELBO, schedules
from keras_vae.objectives.kl_penalty import (
    distance_to,
    grouped_kl,
    kl_per_dimension,
    with_free_bits,
)

KL = np.array([[0.1, 2.0, 0.6], [0.2, 3.0, 0.2]], "float32")
Q = {
    "loc": np.array([[0.3, 2.0, 0.1, 0.0], [0.2, 1.0, 0.3, 0.1]], "float32"),
    "scale": np.array([[0.9, 0.2, 1.0, 1.1], [0.8, 0.3, 1.0, 0.9]], "float32"),
}


def tensor(values):
    return ops.convert_to_tensor(np.asarray(values, "float32"))


def posterior():
    return Normal(tensor(Q["loc"]), tensor(Q["scale"]))


def test_the_dimensions_add_up_to_the_kl(to_numpy):
    prior = Normal(tensor([0.0, 0.5, 0.0, 1.0]), tensor([1.0, 2.0, 1.0, 0.5]))
    each = to_numpy(kl_per_dimension(posterior(), prior))
    assert each.shape == (2, 4)
    whole = to_numpy(kl_divergence(posterior(), prior))
    np.testing.assert_allclose(each.sum(axis=1), whole, rtol=1e-5)
    one = Normal(tensor(Q["loc"][:, 1:2]), tensor(Q["scale"][:, 1:2]))
    expected = kl_divergence(one, Normal(tensor([0.5]), tensor([2.0])))
    np.testing.assert_allclose(each[:, 1], to_numpy(expected), rtol=1e-5)


@pytest.mark.parametrize(
    ("num_groups", "expected"),
    [
        (None, [[1, 2, 3, 4], [5, 6, 7, 8]]),
        (4, [[1, 2, 3, 4], [5, 6, 7, 8]]),
        (2, [[3, 7], [11, 15]]),
        (1, [[10], [26]]),
    ],
)
def test_groups_are_runs_of_dimensions(to_numpy, num_groups, expected):
    kl = tensor(np.arange(1, 9).reshape(2, 4))
    np.testing.assert_array_equal(
        to_numpy(grouped_kl(kl, num_groups)), expected
    )


@pytest.mark.parametrize("nats", [0.0, 0.15, 0.4, 0.5, 10.0])
def test_free_bits_clamp_the_mean_over_the_batch(to_numpy, nats):
    charged = to_numpy(with_free_bits(tensor(KL), nats))
    assert charged.shape == (2,)
    expected = np.maximum(KL.mean(axis=0), nats).sum()
    assert charged.mean() == pytest.approx(expected, rel=1e-6)


def test_examples_below_the_free_bits_keep_their_gradient(to_numpy):
    """The mean of the third group exceeds 0.3, its second example does not."""
    charged = to_numpy(with_free_bits(tensor(KL), 0.3))
    moved = KL.copy()
    moved[1, 2] += 0.05
    change = to_numpy(with_free_bits(tensor(moved), 0.3)) - charged
    np.testing.assert_allclose(change, [0.0, 0.05], atol=1e-6)
    moved[1, 0] += 0.05  # The first group's mean lies below: it is free.
    again = to_numpy(with_free_bits(tensor(moved), 0.3)) - charged
    np.testing.assert_allclose(again, change, atol=1e-6)


@pytest.mark.parametrize("capacity", [0.0, 0.2, 3.05, 25.0])
def test_the_distance_to_a_capacity(to_numpy, capacity):
    kl = KL.sum(axis=1)
    distance = to_numpy(distance_to(tensor(capacity), tensor(kl)))
    assert distance.shape == (2,)
    expected = abs(kl.mean() - capacity)
    assert distance.mean() == pytest.approx(expected, rel=1e-6, abs=1e-6)


# --- In the objective -------------------------------------------------------


def logs_of(make_vae, freeze_noise, x, step=0, **options):
    vae = freeze_noise(make_vae(event_shape=(6,), objective=ELBO(**options)))
    vae.training_step.assign(step)
    vae.compile(run_eagerly=True)
    logs = vae.test_on_batch(x, return_dict=True)
    return vae, {name: float(value) for name, value in logs.items()}


def test_the_kl_is_not_clamped_away_by_default(make_vae, freeze_noise, vectors):
    """Neither its value nor its gradient, however small it is."""
    vae, logs = logs_of(make_vae, freeze_noise, vectors)
    assert logs["kl"] > 0.01
    assert logs["loss"] == pytest.approx(logs["kl"] - logs["log_likelihood"])
    dense = vae.posterior.head.dense
    dense.kernel.assign(np.zeros(dense.kernel.shape))
    dense.bias.assign([0.01, -0.01, 0.0, 0.0])
    vae.likelihood.head.dense.kernel.assign(
        np.zeros(vae.likelihood.head.dense.kernel.shape)
    )
    vae.compile(keras.optimizers.SGD(1.0), run_eagerly=True)
    vae.train_on_batch(vectors)
    # The decoder ignores z: what moves the mean, from 0.01, is the KL alone.
    loc = ops.convert_to_numpy(vae.encode(vectors).mean())
    np.testing.assert_allclose(loc.mean(axis=0), 0.0, atol=1e-3)


@pytest.mark.parametrize(
    ("options", "charge"),
    [
        ({"free_bits": 0.5}, lambda kl: np.maximum(kl.mean(0), 0.5).sum()),
        ({"free_bits": 0.05}, lambda kl: np.maximum(kl.mean(0), 0.05).sum()),
        (
            {"free_bits": 2.0, "free_bits_groups": 2},
            lambda kl: np.maximum(kl.mean(0), 2.0).sum(),
        ),
        (
            {"free_bits": 5.0, "free_bits_groups": 1, "kl_weight": 0.5},
            lambda kl: 0.5 * max(kl.sum(1).mean(), 5.0),
        ),
        (
            {"capacity": 7.0, "kl_weight": 100.0},
            lambda kl: 100.0 * abs(kl.sum(1).mean() - 7.0),
        ),
        ({"capacity": 0.0}, lambda kl: kl.sum(1).mean()),
    ],
)
def test_the_loss_charges_it(
    make_vae, freeze_noise, vectors, to_numpy, options, charge
):
    vae, logs = logs_of(make_vae, freeze_noise, vectors, **options)
    prior = vae.prior.distribution()
    each = to_numpy(kl_per_dimension(vae.encode(vectors), prior))
    # What is called KL and ELBO is untouched.
    assert logs["kl"] == pytest.approx(each.sum(1).mean(), rel=1e-5)
    assert logs["elbo"] == pytest.approx(
        logs["log_likelihood"] - logs["kl"], rel=1e-5
    )
    expected = charge(each) - logs["log_likelihood"]
    assert logs["loss"] == pytest.approx(expected, rel=1e-5)


def test_a_monte_carlo_kl_has_free_bits_as_a_whole(
    make_vae, freeze_noise, vectors
):
    objective = ELBO(kl="monte_carlo", free_bits=50.0, free_bits_groups=1)
    vae = make_vae(event_shape=(6,), objective=objective)
    vae.compile(run_eagerly=True)
    logs = vae.evaluate(vectors, verbose=0, return_dict=True, batch_size=48)
    assert logs["loss"] == pytest.approx(50.0 - logs["log_likelihood"], 1e-5)


def test_the_capacity_follows_its_schedule(make_vae, freeze_noise, vectors):
    capacity = schedules.Linear(num_steps=100, end=25.0)
    for step, expected in ((0, 0.0), (50, 12.5), (200, 25.0)):
        _, logs = logs_of(
            make_vae, freeze_noise, vectors, step, capacity=capacity
        )
        received = logs["loss"] + logs["log_likelihood"]
        assert received == pytest.approx(abs(logs["kl"] - expected), rel=1e-4)


@pytest.mark.parametrize(
    "objective",
    [
        ELBO(free_bits=0.5, free_bits_groups=2),
        ELBO(kl_weight=1000.0, capacity=schedules.Linear(10, end=25.0)),
        ELBO(capacity=3.0),
    ],
    ids=["free bits", "schedule", "capacity"],
)
def test_config_round_trip(objective):
    serialized = keras.saving.serialize_keras_object(objective)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == objective.get_config()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"free_bits": -1.0},
            ValueError,
            "`free_bits` must be finite and at least 0. Received: "
            "free_bits=-1.0",
        ),
        ({"free_bits": "a"}, TypeError, "`free_bits` must be a number. Rec"),
        (
            {"free_bits": 1.0, "free_bits_groups": 0},
            ValueError,
            "`free_bits_groups` must be a positive integer. Received: "
            "free_bits_groups=0",
        ),
        (
            {"capacity": "a"},
            TypeError,
            "`capacity` must be a number or a schedule. Received: capacity='a'",
        ),
        (
            {"capacity": 1.0, "free_bits": 1.0},
            ValueError,
            "`capacity` must be left out where `free_bits` are given.*"
            r"Received: capacity=1.0, free_bits=1.0. Pass e.g. "
            r"`ELBO\(free_bits=0.5\)`",
        ),
        (
            {"kl": "monte_carlo", "free_bits": 1.0},
            ValueError,
            "`free_bits_groups` must be 1 where the KL is estimated.*"
            "Received: free_bits_groups=None",
        ),
    ],
)
def test_arguments_are_checked(options, error, message):
    with pytest.raises(error, match=message):
        ELBO(**options)


def test_groups_must_divide_the_latents():
    with pytest.raises(
        ValueError,
        match="`free_bits_groups` must divide the 4 latent dimensions. "
        r"Received: free_bits_groups=3. Pass e.g. `ELBO\(free_bits=0.5, "
        r"free_bits_groups=4\)`",
    ):
        grouped_kl(tensor(np.ones((2, 4))), 3)


def test_other_pairs_have_no_kl_per_dimension():
    other = Bernoulli(logits=tensor(np.zeros(4)))
    with pytest.raises(
        NotImplementedError,
        match=r"both a Normal with independent dimensions. Received: "
        r"\(Normal, Bernoulli\).*`ELBO\(free_bits=..., free_bits_groups=1\)`",
    ):
        kl_per_dimension(posterior(), other)
