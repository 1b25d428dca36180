"""Every registered likelihood, from its head to a VAE that is trained."""

import re

import keras
import numpy as np
import pytest
from keras import ops

import keras_vae
from keras_vae import likelihoods, objectives
from keras_vae.likelihoods import LikelihoodMean
from keras_vae.testing.config import check_arguments
from tests.likelihood_rows import BATCH, IMAGE, ROWS, VECTOR, joint, part, x_of

every_row = pytest.mark.parametrize("name", ROWS)


def features_of(shape, batch=BATCH, size=1.0):
    rng = np.random.default_rng(1)
    return (size * rng.normal(size=(batch, *shape))).astype("float32")


def built(row, features_shape=(5,)):
    likelihood = row.make()
    likelihood.build((None, *features_shape), event_shape=row.event_shape)
    return likelihood


def make_vae(row, **options):
    keras.utils.set_random_seed(0)
    x = keras.Input(row.event_shape)
    units = keras.layers.Dense(8, activation="tanh")(keras.layers.Flatten()(x))
    z = keras.Input((2,))
    decoded = keras.layers.Dense(8, activation="tanh")(z)
    return keras_vae.VAE(
        keras.Model(x, units),
        keras.Model(z, decoded),
        likelihood=row.make(),
        seed=0,
        **options,
    )


def to_numpy(value):
    return np.array(ops.convert_to_numpy(value))


def run(function, *arrays):
    """The NumPy values of a function; JAX op by op would take minutes."""
    tensors = [ops.convert_to_tensor(one) for one in arrays]
    if keras.backend.backend() == "jax":
        import jax

        function = jax.jit(function)
    return keras.tree.map_structure(to_numpy, function(*tensors))


def answers_of(likelihood, *arrays, num_samples=None):
    """Log-probability, mean, mode and samples from features and x."""

    def answers(features, x):
        p = likelihood.distribution(likelihood(features))
        assert tuple(p.batch_shape) == (features.shape[0],)
        assert tuple(p.event_shape) == likelihood.event_shape
        found = {"log_prob": p.log_prob(x), "mean": p.mean(), "mode": p.mode()}
        if num_samples is not None:
            found["sample"] = p.sample(num_samples, seed=0)
        return found

    return run(answers, *arrays)


def test_every_registered_likelihood_has_a_row():
    assert {row.name for row in ROWS.values()} == set(
        likelihoods.registry.classes
    )
    for row in ROWS.values():
        assert type(row.make()) is likelihoods.registry.classes[row.name]


@every_row
@pytest.mark.parametrize("pointwise", [False, True])
def test_answers_have_their_shapes_and_samples_their_support(name, pointwise):
    row = ROWS[name]
    shape = (*row.event_shape[:-1], 7) if pointwise else (5, 2)
    likelihood = built(row, shape)
    found = answers_of(
        likelihood, features_of(shape), x_of(row), num_samples=10
    )
    full = (BATCH, *row.event_shape)
    shapes = {
        "log_prob": (BATCH,),
        "mean": full,
        "mode": full,
        "sample": (10, *full),
    }
    for answer, expected in shapes.items():
        assert found[answer].shape == expected
        assert np.isfinite(found[answer]).all()
    likelihood.check_support(found["sample"].reshape((-1, *row.event_shape)))
    head = sum(one.count_params() for one in heads(likelihood))
    extra = sum(int(np.prod(shape)) for shape in row.weights)
    assert likelihood.count_params() == head + extra


def heads(likelihood):
    if isinstance(likelihood, likelihoods.Joint):
        return [one.head for one in likelihood.likelihoods]
    return [likelihood.head]


@every_row
def test_the_mean_ends_a_functional_model(name):
    row = ROWS[name]
    likelihood = built(row)
    inputs = keras.Input((5,))
    model = keras.Model(inputs, LikelihoodMean(likelihood)(inputs))
    assert model.output_shape == (None, *row.event_shape)
    features = features_of((5,))
    received = model.predict(features, batch_size=BATCH, verbose=0)
    expected = answers_of(likelihood, features, x_of(row))["mean"]
    np.testing.assert_allclose(received, expected, 1e-4, 1e-5)


@every_row
def test_the_mean_is_that_of_samples(name):
    row = ROWS[name]
    features = features_of((5,), 2, 0.3)
    found = answers_of(
        built(row), features, x_of(row, batch=2), num_samples=4000
    )
    error = found["sample"].std(axis=0) / np.sqrt(4000)
    gap = np.abs(found["sample"].mean(axis=0) - found["mean"])
    # A mixture's coupled channels have an approximate mean.
    slack = 0.02 if name == "mixture_of_discretized_logistics" else 1e-4
    assert (gap < 6 * error + slack).all()


@every_row
def test_config_round_trip(name):
    row = ROWS[name]
    likelihood = built(row)
    check_arguments(likelihood)
    serialized = keras.saving.serialize_keras_object(likelihood)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == likelihood.get_config()
    assert other.event_shape == row.event_shape
    assert len(other.weights) == len(likelihood.weights)
    other.set_weights(likelihood.get_weights())
    ours, theirs = (
        answers_of(one, features_of((5,)), x_of(row))
        for one in (likelihood, other)
    )
    np.testing.assert_array_equal(ours["log_prob"], theirs["log_prob"])


@every_row
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_under_mixed_precision(name, policy):
    row = ROWS[name]
    plain = built(row)
    half = ops.cast(features_of((5,)), policy.removeprefix("mixed_"))
    expected = answers_of(plain, ops.cast(half, "float32"), x_of(row))
    keras.config.set_dtype_policy(policy)
    likelihood = built(row)
    likelihood.set_weights(plain.get_weights())
    received = answers_of(likelihood, half, x_of(row))
    for answer in ("log_prob", "mean"):
        assert received[answer].dtype == "float32"
        np.testing.assert_allclose(received[answer], expected[answer], 1e-5)


@every_row
def test_values_in_the_support_pass(name):
    row = ROWS[name]
    likelihood = built(row)
    x = x_of(row)
    for values in (x, x.astype("float64"), x.astype("float16"), x[:0]):
        likelihood.check_support(values)
    if (x == np.round(x)).all() and not np.isnan(x).any() and x.min() >= 0:
        likelihood.check_support(x.astype("uint8"))
        likelihood.check_support(x.astype("int64"))


@every_row
def test_values_outside_are_named_with_place_and_remedy(name):
    row = ROWS[name]
    likelihood = built(row)
    for value in row.outside:
        x = x_of(row).astype("float64")
        place = (2, *[0] * len(row.event_shape))
        x[place] = value
        where = ", ".join(map(str, (12, *place[1:])))
        message = (
            rf"`x` must hold {row.support}.* Received: x\[{where}\]="
            rf"{re.escape(format(value, 'g'))}\. .*{row.remedy}"
        )
        with pytest.raises(ValueError, match=message):
            likelihood.check_support(x, first=10)


@every_row
def test_missing_values_have_a_remedy_of_their_own(name):
    row = ROWS[name]
    likelihood = built(row)
    x = x_of(row)
    x[(1, *[0] * len(row.event_shape))] = np.nan
    if likelihood.allows_missing:
        likelihood.check_support(x)
        return
    with pytest.raises(ValueError, match="=nan. Remove or replace missing"):
        likelihood.check_support(x)


@every_row
def test_extreme_features_leave_the_step_finite(name):
    """Bounds are smooth: a gradient is never lost, nor infinite."""
    row = ROWS[name]
    vae = make_vae(row)
    for weight in vae.decoder.trainable_weights:
        weight.assign(100.0 * weight)
    for weight in vae.likelihood.trainable_weights:
        weight.assign(30.0 * weight + 1.0)
    vae.compile(keras.optimizers.Adam(1e-3), nonfinite_patience=1)
    before = [to_numpy(weight) for weight in vae.likelihood.trainable_weights]
    logs = vae.train_on_batch(x_of(row), return_dict=True)
    assert np.isfinite(list(logs.values())).all()
    assert int(to_numpy(vae.nonfinite_steps)) == 0
    for weight, old in zip(
        vae.likelihood.trainable_weights, before, strict=True
    ):
        assert (to_numpy(weight) != old).any(), weight.path


@every_row
def test_a_vae_trains_saves_and_loads(name, tmp_path):
    row = ROWS[name]
    vae = make_vae(row, objective=objectives.ELBO(num_samples=2))
    x = x_of(row, batch=32)
    vae.compile(keras.optimizers.Adam(0.01))
    weights = {w.path: to_numpy(w) for w in vae.trainable_weights}
    history = vae.fit(x, epochs=8, batch_size=16, verbose=0).history
    assert history["elbo"][-1] > history["elbo"][0]
    for weight in vae.trainable_weights:
        assert (to_numpy(weight) != weights[weight.path]).any(), weight.path
    vae.save(tmp_path / "vae.keras")
    loaded = keras.saving.load_model(tmp_path / "vae.keras")
    images, expected = (one.generate(3, seed=0) for one in (loaded, vae))
    assert images.shape == (3, *row.event_shape)
    np.testing.assert_allclose(images, expected, 1e-6)
    for ours, theirs in zip(loaded.weights, vae.weights, strict=True):
        np.testing.assert_array_equal(to_numpy(ours), to_numpy(theirs))


@every_row
def test_samples_of_latents_lead(name):
    """(num_samples, batch, *event_shape), with x for each of them."""
    row = ROWS[name]
    vae = make_vae(row)
    rng = np.random.default_rng(0)
    z = rng.normal(size=(3, BATCH, 2)).astype("float32")

    def log_prob(z, x):
        several = vae.likelihood.distribution(
            vae._decoded_samples(z, None, False)
        )
        single = vae.likelihood.distribution(vae._decoded(z[1], None, False))
        return several.log_prob(x), single.log_prob(x)

    several, single = run(log_prob, z, x_of(row))
    assert several.shape == (3, BATCH)
    np.testing.assert_allclose(several[1], single, 1e-4, 1e-5)


# --- Arguments --------------------------------------------------------------

LEARNED = r"or one of \['shared', 'per_output', 'predicted'\]. Received: "


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("laplace", {"scale": 0}, f"`scale` must be a positive .*{LEARNED}"),
        ("laplace", {"scale": True}, r'`Laplace\(scale="shared"\)`'),
        ("log_normal", {"scale": "learned"}, "scale='learned' of type str"),
        (
            "student_t",
            {"df": 1.0},
            f"must be a finite number above 1 {LEARNED}",
        ),
        ("student_t", {"scale": np.inf}, "scale=inf"),
        ("beta", {"concentration": -1}, f"`concentration` .*{LEARNED}"),
        ("discretized_logistic", {"scale": None}, "scale=None"),
        ("discretized_logistic", {"num_levels": 1}, "at least 2. Received"),
        ("categorical", {"num_categories": 1}, "at least 2. Received"),
        (
            "mixture_of_discretized_logistics",
            {"num_mixtures": 0},
            "num_mixtures=0",
        ),
        (
            "negative_binomial",
            {"inverse_dispersion": "gene"},
            f"`inverse_dispersion` .*{LEARNED}",
        ),
        ("joint", {}, "`likelihoods` must be a list of at least one"),
        ("joint", {"likelihoods": "normal"}, "likelihoods='normal'"),
        (
            "joint",
            {"likelihoods": ["normal"], "sizes": [1, 2]},
            "2 sizes for 1 likelihoods",
        ),
        ("joint", {"likelihoods": ["normal"], "sizes": [0]}, "`sizes` must be"),
        ("joint", {"likelihoods": ["norm"]}, "`likelihood` must be one of"),
    ],
)
def test_values_of_arguments_are_checked(name, options, message):
    with pytest.raises(ValueError, match=message):
        likelihoods.registry.classes[name](**options)


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("categorical", {"num_categories": 2.5}, "num_categories=2.5"),
        ("mixture_of_discretized_logistics", {"num_mixtures": "3"}, "='3'"),
        ("joint", {"likelihoods": [3]}, "likelihood=3 of type int"),
        ("joint", {"likelihoods": ["normal"], "sizes": [1.0]}, "sizes=1.0"),
    ],
)
def test_types_of_arguments_are_checked(name, options, message):
    with pytest.raises(TypeError, match=message):
        likelihoods.registry.classes[name](**options)


def test_one_hot_columns_are_as_many_as_categories():
    message = (
        r"num_categories=3 for x of shape \(batch, 6\). Pass "
        r"`Categorical\(6, one_hot=True\)`"
    )
    with pytest.raises(ValueError, match=message):
        likelihoods.Categorical(3, one_hot=True).build(
            (None, 5), event_shape=VECTOR
        )


@pytest.mark.parametrize("event_shape", [(7,), (4, 2)])
def test_the_columns_of_a_joint_add_up(event_shape):
    message = (
        r"add up to the columns .* sizes=\(2, 1, 3, 2\), which add up to 8"
    )
    with pytest.raises(ValueError, match=message):
        joint().build((None, 5), event_shape=event_shape)


# --- Bounds -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "options", "parameter", "low", "high", "start"),
    [
        ("laplace", {"scale": "predicted"}, "scale", 9e-4, 1097, 1),
        ("student_t", {"df": "predicted"}, "df", 1.0009, 1098, 5),
        ("log_normal", {}, "loc", -30, 30, 0),
        ("log_normal", {"scale": "predicted"}, "scale", 9e-4, 7.39, 0.64),
        ("beta", {}, "loc", 9e-4, 0.9991, 0.5),
        ("beta", {}, "concentration", 1.8e-3, 2194, 2),
        ("poisson", {}, "rate", 8e-7, 1.21e6, 1),
        ("negative_binomial", {}, "rate", 8e-7, 1.21e6, 1),
        (
            "negative_binomial",
            {"inverse_dispersion": "predicted"},
            "inverse_dispersion",
            4.5e-5,
            22030,
            1,
        ),
        ("discretized_logistic", {}, "scale", 9e-4, 1097, 1),
    ],
)
def test_parameters_keep_to_their_bounds(
    name, options, parameter, low, high, start
):
    likelihood = likelihoods.registry.classes[name](**options)
    likelihood.build((None, 1), event_shape=(1,))
    kernel = likelihood.head.dense.kernel
    kernel.assign(np.ones(kernel.shape))
    features = np.float32([[-1e30], [-1e4], [-50], [0], [50], [1e4], [1e30]])
    values = to_numpy(likelihood(features)[parameter])[:, 0]
    assert (np.diff(values[1:-1]) > 0).all()
    assert low <= values.min() and values.max() <= high
    assert values.max() > 0.98 * high and values[3] == pytest.approx(start, 0.1)


def test_the_coefficients_of_channels_keep_to_their_bounds():
    row = ROWS["mixture_of_discretized_logistics"]
    likelihood = built(row)
    coefficients = to_numpy(
        likelihood(features_of((5,), size=1e6))["coefficients"]
    )
    assert coefficients.shape == (BATCH, 4, 4, 3, 3)
    assert np.abs(coefficients).max() < 1
    uncoupled = part(row.name, channel_coupling=False)()
    uncoupled.build((None, 5), event_shape=IMAGE)
    assert "coefficients" not in uncoupled(features_of((5,)))


# --- Joint ------------------------------------------------------------------


def with_gaps(x, share=0.3, seed=5):
    rng = np.random.default_rng(seed)
    return np.where(rng.random(x.shape) < share, np.float32("nan"), x)


def test_a_joint_trains_on_what_is_there():
    row = ROWS["joint"]
    vae = make_vae(row)
    x = with_gaps(x_of(row, batch=64))
    vae.compile(keras.optimizers.Adam(0.01), nonfinite_patience=1)
    history = vae.fit(x, epochs=5, batch_size=16, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert history["elbo"][-1] > history["elbo"][0]
    assert int(to_numpy(vae.nonfinite_steps)) == 0
    assert np.isfinite(to_numpy(vae.reconstruct(x))).all()
    assert np.isfinite(to_numpy(vae.marginal_log_likelihood(x, 10))).all()


def test_the_encoder_is_given_zero_for_what_is_missing():
    row = ROWS["joint"]
    vae = make_vae(row)
    x = with_gaps(x_of(row))
    np.testing.assert_array_equal(
        to_numpy(vae.encode(x).mean()),
        to_numpy(vae.encode(np.nan_to_num(x)).mean()),
    )


def test_what_is_missing_adds_nothing():
    row = ROWS["joint"]
    vae = make_vae(row)
    x = x_of(row)
    x[:, 6:] = np.nan
    p = vae.decode(np.zeros((BATCH, 2), "float32"))
    parts = [
        one.log_prob(columns)
        for one, columns in zip(
            p.distributions, np.split(x, [2, 3, 6], axis=1), strict=True
        )
    ]
    np.testing.assert_allclose(
        to_numpy(p.log_prob(x)), sum(map(to_numpy, parts[:3])), 1e-5
    )


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        (
            1,
            np.inf,
            r"finite .* `Normal`, block 0 of `Joint` with columns 0 to 1",
        ),
        (2, 0.5, r"zeros and ones for `Bernoulli`, block 1 .* x\[3, 2\]=0.5"),
        (4, 2, r"a single one .* `Categorical`, block 2 .* columns 3 to 5"),
        (7, -1, r"whole numbers .* `Poisson`, block 3 .* x\[3, 7\]=-1"),
    ],
)
def test_the_block_of_a_joint_is_named(column, value, message):
    likelihood = built(ROWS["joint"])
    x = with_gaps(x_of(ROWS["joint"]), share=0.1)
    x[3] = x_of(ROWS["joint"])[3]
    x[3, column] = value
    with pytest.raises(ValueError, match=message):
        likelihood.check_support(x)


def test_a_joint_of_single_columns_needs_no_sizes():
    likelihood = likelihoods.Joint(["normal", "poisson"])
    assert likelihood.sizes == (1, 1)
    likelihood.build((None, 5), event_shape=(2,))
    x = np.ones((BATCH, 2), "float32")
    found = answers_of(likelihood, features_of((5,)), x)
    assert found["mean"].shape == (BATCH, 2)


@pytest.mark.parametrize("name", ["normal", "bernoulli", "beta"])
def test_others_refuse_missing_values_before_training(name):
    row = ROWS[name]
    vae = make_vae(row)
    vae.compile()
    with pytest.raises(ValueError, match="Remove or replace missing values"):
        vae.fit(with_gaps(x_of(row)), verbose=0)
