"""Every bijector's log-determinant against autodiff, and its inverse."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import distributions, layers
from keras_vae.distributions import bijectors
from keras_vae.distributions.bijectors.planar import above_minus_one
from tests.keras_vae.distributions.compiling import run, slope

DIM = 4


def float32(array):
    return np.asarray(array, "float32")


def randomized(layer, seed):
    """Gives all weights values far from those that they start with."""
    rng = np.random.default_rng(seed)
    layer.set_weights(
        [rng.normal(0, 0.7, w.shape) for w in layer.get_weights()]
    )
    return layer


def planar(rng, dim=DIM, size=1.0):
    u, w = float32(size * rng.normal(size=(2, dim)))
    return bijectors.Planar(u, w, float32(size * rng.normal()))


def radial(rng, dim=DIM, size=1.0):
    center, alpha = float32(rng.normal(size=dim)), np.exp(rng.normal())
    raw_beta = float32(2 * size * rng.normal())
    return bijectors.Radial(center, float32(alpha), raw_beta)


def affine_coupling(rng, dim=DIM):
    network = layers.CouplingNetwork((7, 5))
    network.build((None, dim))
    mask = np.arange(dim) % 2
    return bijectors.AffineCoupling(mask, randomized(network, rng.integers(99)))


def inverse_autoregressive(rng, dim=DIM, backwards=False):
    network = layers.AutoregressiveNetwork(dim, (9, 6), backwards)
    network.build((None, dim), (None, 3))
    network = randomized(network, rng.integers(99))
    context = ops.convert_to_tensor(float32(rng.normal(size=3)))

    def parameters(z, stopped=False):
        return network(z, context, stopped=stopped)

    return bijectors.InverseAutoregressive(parameters, network.order)


def backwards(rng, dim=DIM):
    return inverse_autoregressive(rng, dim, backwards=True)


MAKERS = {
    "affine_coupling": affine_coupling,
    "inverse_autoregressive": inverse_autoregressive,
    "inverse_autoregressive_backwards": backwards,
    "planar": planar,
    "radial": radial,
}
INVERTIBLE = [name for name in MAKERS if name not in ("planar", "radial")]
every_bijector = pytest.mark.parametrize("name", MAKERS)


def made(name, seed=0, **options):
    return MAKERS[name](np.random.default_rng(seed), **options)


def points(seed=0, shape=(DIM,)):
    return float32(np.random.default_rng(seed).normal(size=shape))


def jacobian(bijector, z):
    rows = [
        slope(lambda one, i=i: bijector.forward(one)[0][i], z)
        for i in range(len(z))
    ]
    return np.array(rows, "float64")


def test_every_bijector_has_a_row():
    classes = {
        one
        for one in vars(bijectors).values()
        if isinstance(one, type) and one is not bijectors.Bijector
    }
    assert {type(made(name)) for name in MAKERS} == classes


@every_bijector
@pytest.mark.parametrize("seed", range(3))
def test_log_det_is_that_of_the_autodiff_jacobian(name, seed):
    bijector, z = made(name, seed), points(seed)
    sign, expected = np.linalg.slogdet(jacobian(bijector, z))
    received = run(lambda one: bijector.forward(one)[1], z)
    assert sign == 1
    assert received == pytest.approx(expected, rel=1e-4, abs=1e-5)


@every_bijector
def test_shapes_and_batches(name):
    bijector, z = made(name), points(shape=(5, 3, DIM))
    x = run(lambda one: bijector.forward(one)[0], z)
    log_det = run(lambda one: bijector.forward(one)[1], z)
    assert x.shape == z.shape
    assert log_det.shape == (5, 3)
    alone = run(lambda one: bijector.forward(one)[0], z[2, 1])
    np.testing.assert_allclose(x[2, 1], alone, 1e-5, 1e-6)


@pytest.mark.parametrize("name", INVERTIBLE)
@pytest.mark.parametrize("dim", [2, DIM, 7])
def test_inverse_undoes_forward(name, dim):
    bijector, z = made(name, dim=dim), points(shape=(20, dim))
    x, log_det = bijector.forward(ops.convert_to_tensor(z))
    back, same = bijector.inverse(x)
    np.testing.assert_allclose(ops.convert_to_numpy(back), z, 1e-4, 1e-4)
    np.testing.assert_allclose(
        ops.convert_to_numpy(same), ops.convert_to_numpy(log_det), 1e-4, 1e-4
    )


@pytest.mark.parametrize("name", ["planar", "radial"])
def test_without_an_inverse_there_is_an_error_in_words(name):
    bijector = made(name)
    with pytest.raises(NotImplementedError, match="from_noise_with_log_prob"):
        bijector.inverse(points())
    with pytest.raises(NotImplementedError, match='gradient="reparameterized"'):
        bijector.stopped()


@pytest.mark.parametrize("name", ["planar", "radial"])
@pytest.mark.parametrize("seed", range(5))
def test_one_dimension_stays_in_order_and_keeps_its_mass(name, seed):
    """The flow of a normal integrates to 1 along its own points."""
    bijector = made(name, seed, dim=1, size=5.0)
    z = np.linspace(-9, 9, 20_001)
    x = run(lambda one: bijector.forward(one)[0], float32(z)[:, None])[:, 0]
    log_det = run(lambda one: bijector.forward(one)[1], float32(z)[:, None])
    steps = np.diff(x.astype("float64"))
    assert (steps > -1e-6).all()
    density = np.exp(-(z**2) / 2 - log_det) / np.sqrt(2 * np.pi)
    total = (0.5 * (density[1:] + density[:-1]) * steps).sum()
    assert total == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize("name", ["affine_coupling", "inverse_autoregressive"])
def test_the_plane_keeps_its_mass(name):
    base = distributions.Normal(np.zeros(2, "float32"), 1.0)
    flow = distributions.Transformed(base, [made(name, dim=2)])
    limit = 15 if name == "affine_coupling" else 8
    line = np.linspace(-limit, limit, 401)
    grid = float32(np.stack(np.meshgrid(line, line), -1).reshape(-1, 2))
    density = np.exp(run(flow.log_prob, grid).astype("float64"))
    total = density.sum() * (line[1] - line[0]) ** 2
    assert total == pytest.approx(1, abs=2e-3)


@every_bijector
def test_gradients_far_out_are_finite(name):
    bijector = made(name)
    for size in (0.0, 1e-6, 1e3, 1e6):
        z = float32(size * np.ones(DIM))
        for output in (0, 1):
            gradient = slope(lambda one, k=output: bijector.forward(one)[k], z)
            assert np.isfinite(gradient).all()


@pytest.mark.parametrize("raw", [-1e30, -1e3, -10.0, 0.0, 10.0, 1e3])
def test_the_bound_that_keeps_flows_invertible(raw):
    value = float(run(above_minus_one, float32(raw)))
    assert -1 < value <= max(raw, 0) + 1e-6
    assert (value == pytest.approx(0, abs=1e-6)) == (raw == 0)


def test_planar_steps_are_invertible_whatever_the_parameters():
    """w^T u_hat > -1: otherwise the determinant vanishes somewhere."""
    rng = np.random.default_rng(0)
    u, w = float32(10 * rng.normal(size=(2, 500, DIM)))
    step = bijectors.Planar(u, w, float32(np.zeros(500)))
    u_hat = ops.convert_to_numpy(step.u_hat).astype("float64")
    assert ((u_hat * w).sum(-1) > -1).all()
    # At the hyperplane, where the derivative of tanh is 1.
    log_det = run(lambda z: step.forward(z)[1], float32(np.zeros((500, DIM))))
    assert np.isfinite(log_det).all()


def test_planar_steps_without_a_direction_do_nothing_harmful():
    zeros = float32(np.zeros(DIM))

    def total(w):
        step = bijectors.Planar(float32(np.ones(DIM)), w, float32(0.5))
        x, log_det = step.forward(ops.convert_to_tensor(points()))
        return ops.sum(x) + log_det

    assert np.isfinite(run(total, zeros))
    assert np.isfinite(slope(total, zeros)).all()


def test_stopped_steps_pass_no_gradient_to_their_network():
    network = layers.AutoregressiveNetwork(DIM, (9,))
    network.build((None, DIM), (None, 3))
    x = ops.convert_to_tensor(points())

    def log_det(context, stopped):
        def parameters(z, stopped=False):
            return network(z, context, stopped=stopped)

        step = bijectors.InverseAutoregressive(parameters, network.order)
        step = step.stopped() if stopped else step
        return step.inverse(x)[1]

    context = points(1, shape=(3,))
    values = [run(lambda c, s=s: log_det(c, s), context) for s in (0, 1)]
    np.testing.assert_allclose(*values, 1e-6)
    assert np.abs(slope(lambda c: log_det(c, False), context)).max() > 0
    assert np.abs(slope(lambda c: log_det(c, True), context)).max() == 0
    assert keras.backend.standardize_dtype(x.dtype) == "float32"
