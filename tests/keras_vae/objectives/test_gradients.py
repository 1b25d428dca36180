"""The gradient that each objective gives the encoder and the decoder."""

import numpy as np
import pytest
from scipy.special import softmax

from keras_vae.distributions.bounds import LOG_SCALE_LIMIT
from keras_vae.objectives import (
    CIWAE,
    ELBO,
    IWAE,
    MIWAE,
    PIWAE,
)
from tests.keras_vae.objectives.linear_vae import (
    displace_posterior,
    fix_noise,
    gradient_at,
    gradients_of,
    make_data,
    make_linear_vae,
    name_of,
    probabilistic_pca,
    record,
    set_linear,
)

X = make_data(200, event_dim=5, latent_dim=2, noises=0.6)
MODEL = probabilistic_pca(X.astype("float64"), 2)[0]
FEW = X[:6]
NOISE = np.random.default_rng(5).normal(size=(8, 1, 2))


def vae_with(objective, **options):
    """A VAE near the optimum, whose posterior is not exact."""
    vae = set_linear(make_linear_vae(5, 2, objective), MODEL)
    return record(displace_posterior(vae), **options)


# --- One draw: each estimator is its paper's formula ------------------------


def formula(vae, x, noise, for_decoder, for_encoder, gradient):
    """The gradients of a bound by three variables, for each example.

    They are written out for the linear VAE; `for_decoder` and `for_encoder`
    turn log w, `(num_samples, batch)`, into the weights of the samples.

    Returns:
        The gradients of minus the bound by the posterior's bias and by the
        likelihood's kernel and bias, `(batch, ...)` each.
    """
    kernel, bias = vae.posterior.head.dense.get_weights()
    weights, mean = vae.likelihood.head.dense.get_weights()
    raw = (x @ kernel + bias)[:, 2:]
    loc = (x @ kernel + bias)[:, :2]
    limit = 2.0 / np.pi * LOG_SCALE_LIMIT
    scale = np.exp(limit * np.arctan(raw / limit))
    by_raw = scale / (1.0 + (raw / limit) ** 2)
    raw_sigma = float(vae.likelihood.raw_scale.numpy())
    sigma = np.exp(limit * np.arctan(raw_sigma / limit))

    z = loc + scale * noise
    residual = (x - z @ weights - mean) / sigma
    log_w = (
        -0.5 * (residual**2).sum(-1)
        - 5 * np.log(sigma)
        - 0.5 * (z**2).sum(-1)
        + (0.5 * noise**2 + np.log(scale)).sum(-1)
    )
    a, b = (f(log_w)[..., None] for f in (for_decoder, for_encoder))

    by_z = residual / sigma @ weights.T - z
    direct = -1.0 / scale  # of log q's own scale, along the path
    if gradient != "reparameterized":
        by_z = by_z + noise / scale  # log q at fixed parameters
        direct = 0.0
    by_scale = by_z * noise - direct
    by_bias = np.concatenate([by_z, by_scale * by_raw], axis=-1)
    by_mean = residual / sigma
    by_weights = z[..., :, None] * by_mean[..., None, :]
    return (
        -(b * by_bias).sum(0),
        -(a[..., None] * by_weights).sum(0),
        -(a * by_mean).sum(0),
    )


def in_one(log_w):
    return softmax(log_w, axis=0)


def in_groups(num_groups, power=1):
    def weights(log_w):
        groups = np.reshape(log_w, (num_groups, -1, log_w.shape[1]))
        each = softmax(groups, axis=1) ** power / num_groups
        return each.reshape(log_w.shape)

    return weights


def combined(beta, power=1):
    def weights(log_w):
        return beta / len(log_w) + (1 - beta) * in_one(log_w) ** power

    return weights


def squared(log_w):
    return in_one(log_w) ** 2


FORMULAS = [
    # One sample: the ELBO, whatever the estimator's weights.
    (IWAE(1, "stl"), in_one, in_one),
    (IWAE(1, "dreg"), in_one, in_one),
    (IWAE(4), in_one, in_one),
    (IWAE(4, "stl"), in_one, in_one),
    (IWAE(4, "dreg"), in_one, squared),
    (MIWAE(2, 2), in_groups(2), in_groups(2)),
    (MIWAE(2, 2, "stl"), in_groups(2), in_groups(2)),
    (MIWAE(2, 2, "dreg"), in_groups(2), in_groups(2, power=2)),
    (PIWAE(2, 2), in_one, in_groups(2)),
    (PIWAE(2, 2, "stl"), in_one, in_groups(2)),
    (PIWAE(2, 2, "dreg"), in_one, in_groups(2, power=2)),
    (CIWAE(4, 0.3), combined(0.3), combined(0.3)),
    (CIWAE(4, 0.3, "stl"), combined(0.3), combined(0.3)),
    (CIWAE(4, 0.3, "dreg"), combined(0.3), combined(0.3, power=2)),
]


def check_formula(vae, rows, expected):
    """Compares the last step's gradients with means over the batch."""
    encoder, decoder = vae.posterior.head.dense, vae.likelihood.head.dense
    for variable, each in zip(
        (encoder.bias, decoder.kernel, decoder.bias), expected, strict=True
    ):
        reference = np.tensordot(rows, each, axes=1) / len(rows)
        np.testing.assert_allclose(
            gradient_at(vae, variable),
            reference,
            rtol=0,
            atol=1e-4 * np.abs(reference).max(),
        )


@pytest.mark.parametrize(
    ("objective", "for_decoder", "for_encoder"), FORMULAS, ids=name_of
)
def test_gradients_are_those_of_the_formula(
    objective, for_decoder, for_encoder
):
    noise = NOISE[: objective.num_samples]
    vae = fix_noise(vae_with(objective), noise)
    expected = formula(
        vae, FEW, noise, for_decoder, for_encoder, objective.gradient
    )
    vae.train_on_batch(FEW)
    check_formula(vae, np.ones(len(FEW)), expected)


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ({}, [0.0, 0.5, 1.0, 2.0, 0.0, 3.0]),
        ({"loss_scale_factor": 1024.0}, [1.0, 0.5, 1.0, 2.0, 0.0, 3.0]),
        ({"compiled": True}, [1.0, 0.5, 1.0, 2.0, 0.0, 3.0]),
    ],
    ids=["sample weights", "a scaled loss", "a compiled step"],
)
def test_the_encoders_weights_survive(options, weights):
    objective, noise = IWAE(4, "dreg"), NOISE[:4]
    vae = fix_noise(vae_with(objective, **options), noise)
    expected = formula(vae, FEW, noise, in_one, squared, "dreg")
    weights = np.array(weights, "float32")
    vae.train_on_batch(FEW, sample_weight=weights)
    check_formula(vae, weights, expected)


def test_the_encoder_keeps_its_gradient_where_the_decoder_has_none():
    """A group of weights far below the others' is not lost in rounding."""
    x = FEW[:1]
    noise = np.concatenate([NOISE[:2], NOISE[2:4] + 9.0])
    vae = fix_noise(vae_with(PIWAE(2, 2, "stl")), noise)
    expected = formula(vae, x, noise, in_one, in_groups(2), "stl")
    vae.train_on_batch(x)
    check_formula(vae, np.ones(1), expected)


# --- The same noise: which objectives are special cases of which ------------


@pytest.fixture(scope="module")
def one_step():
    """The loss and gradients of an objective under the common noise."""
    known = {}

    def run(objective):
        key = name_of(objective)
        if key not in known:
            noise = NOISE[: objective.num_samples]
            vae = fix_noise(vae_with(objective), noise)
            gradients = gradients_of(vae, FEW)
            loss = vae.get_metrics_result()["loss"]
            known[key] = {**gradients, "loss": np.array(float(loss))}
        return known[key]

    return run


@pytest.mark.parametrize(
    ("objective", "other", "parts"),
    [
        (MIWAE(1, 4), IWAE(4), ("loss", "encoder", "decoder")),
        (
            MIWAE(4, 1),
            ELBO(num_samples=4, kl="monte_carlo"),
            ("loss", "encoder", "decoder"),
        ),
        (
            IWAE(1),
            ELBO(kl="monte_carlo"),
            ("loss", "encoder", "decoder"),
        ),
        (CIWAE(4, 0.0), IWAE(4), ("loss", "encoder", "decoder")),
        (CIWAE(4, 1.0), MIWAE(4, 1), ("loss", "encoder", "decoder")),
        (PIWAE(2, 2), IWAE(4), ("loss", "decoder")),
        (PIWAE(2, 2), MIWAE(2, 2), ("encoder",)),
        (PIWAE(1, 4), IWAE(4), ("loss", "encoder", "decoder")),
        (IWAE(4, "stl"), IWAE(4), ("loss", "decoder")),
        (IWAE(4, "dreg"), IWAE(4, "stl"), ("loss", "decoder")),
    ],
    ids=name_of,
)
def test_special_cases(one_step, objective, other, parts):
    received, expected = one_step(objective), one_step(other)
    for part in ("loss", "encoder", "decoder"):
        gap = np.abs(received[part] - expected[part]).max()
        gap = gap / np.abs(expected[part]).max()
        if part in parts:
            assert gap < 3e-5
        else:
            assert gap > 1e-4
