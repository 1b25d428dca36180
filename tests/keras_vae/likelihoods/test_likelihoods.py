"""What every registered likelihood keeps to."""

import keras
import numpy as np
import pytest
from keras import ops

from keras_vae import likelihoods
from keras_vae.testing.config import check_arguments

EVENT_SHAPE = (3, 3, 2)
# Name, options, values that the support holds and some that it does not.
CASES = [
    ("bernoulli", {}, [0, 1], [0.5, -1, 2, np.inf]),
    ("bernoulli", {"allow_grey": True}, [0, 0.3, 1], [-0.1, 1.1, np.inf]),
    ("normal", {}, [-5, 0.1, 1e6], [np.inf, -np.inf]),
    ("normal", {"scale": 0.1}, [0, 1], [np.inf]),
    ("normal", {"scale": "shared"}, [0, 1], [np.inf]),
    ("normal", {"scale": "per_output"}, [0, 1], [np.inf]),
    ("normal", {"scale": "predicted"}, [0, 1], [np.inf]),
]
every_case = pytest.mark.parametrize(
    ("name", "options", "inside", "outside"),
    CASES,
    ids=[f"{name}-{options}" for name, options, *_ in CASES],
)


def built(name, options, features_shape=(5,), event_shape=EVENT_SHAPE):
    likelihood = likelihoods.registry.classes[name](**options)
    likelihood.build((None, *features_shape), event_shape=event_shape)
    return likelihood


def features(shape=(2, 5), size=1.0):
    values = np.random.default_rng(0).normal(size=shape)
    return (size * values).astype("float32")


def values_of(choices, shape):
    rng = np.random.default_rng(1)
    return rng.choice(np.float32(choices), shape).astype("float32")


@every_case
@pytest.mark.parametrize("features_shape", [(5,), (3, 3, 4), (2, 2, 1)])
@pytest.mark.parametrize("event_shape", [EVENT_SHAPE, (6,)])
def test_shapes(name, options, inside, outside, features_shape, event_shape):
    likelihood = built(name, options, features_shape, event_shape)
    parameters = likelihood(features((2, *features_shape)))
    p = likelihood.distribution(parameters)
    assert tuple(p.batch_shape) == (2,)
    assert tuple(p.event_shape) == event_shape
    x = values_of(inside, (2, *event_shape))
    for answer, shape in (
        (p.log_prob(x), (2,)),
        (p.mean(), (2, *event_shape)),
        (p.mode(), (2, *event_shape)),
        (p.sample(3, seed=0), (3, 2, *event_shape)),
        (p.entropy(), (2,)),
    ):
        assert tuple(answer.shape) == shape


@every_case
def test_samples_lie_in_the_support(name, options, inside, outside):
    likelihood = built(name, options)
    p = likelihood.distribution(likelihood(features()))
    samples = ops.convert_to_numpy(p.sample(20, seed=0))
    likelihood.check_support(samples.reshape((-1, *EVENT_SHAPE)))


@every_case
@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
def test_extreme_features_give_finite_answers(
    name, options, inside, outside, size
):
    likelihood = built(name, options)
    p = likelihood.distribution(likelihood(features(size=size)))
    x = values_of(np.clip(inside, -5, 5), (2, *EVENT_SHAPE))
    for answer in (p.log_prob(x), p.mean()):
        assert np.isfinite(ops.convert_to_numpy(answer)).all()


@every_case
def test_config_round_trip(name, options, inside, outside):
    likelihood = built(name, options)
    check_arguments(likelihood)
    for option, value in options.items():
        assert likelihood.get_config()[option] == value
    serialized = keras.saving.serialize_keras_object(likelihood)
    other = keras.saving.deserialize_keras_object(serialized)
    assert other.get_config() == likelihood.get_config()
    assert other.event_shape == EVENT_SHAPE
    other.set_weights(likelihood.get_weights())
    x = values_of(inside, (2, *EVENT_SHAPE))
    ours, theirs = (
        one.distribution(one(features())).log_prob(x)
        for one in (likelihood, other)
    )
    np.testing.assert_array_equal(
        ops.convert_to_numpy(ours), ops.convert_to_numpy(theirs)
    )


@every_case
@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_float32_under_mixed_precision(name, options, inside, outside, policy):
    keras.config.set_dtype_policy(policy)
    likelihood = built(name, options)
    half = ops.cast(features(), policy.removeprefix("mixed_"))
    p = likelihood.distribution(likelihood(half))
    x = ops.cast(
        values_of(np.clip(inside, -5, 5), (2, *EVENT_SHAPE)), "float16"
    )
    for answer in (p.mean(), p.log_prob(x)):
        assert keras.backend.standardize_dtype(answer.dtype) == "float32"


@every_case
def test_values_in_the_support_pass(name, options, inside, outside):
    likelihood = built(name, options)
    likelihood.check_support(values_of(inside, (4, *EVENT_SHAPE)))
    likelihood.check_support(np.zeros((0, *EVENT_SHAPE), "float32"))


@every_case
@pytest.mark.parametrize("dtype", ["uint8", "bool", "int64", "float64"])
def test_any_dtype_of_numpy_is_understood(
    name, options, inside, outside, dtype
):
    likelihood = built(name, options)
    likelihood.check_support(np.ones((2, *EVENT_SHAPE), dtype))
    wrong = np.ones((2, *EVENT_SHAPE), "float64")
    wrong[0, 0, 0, 0] = np.nan
    with pytest.raises(ValueError, match=r"x\[0, 0, 0, 0\]=nan"):
        likelihood.check_support(wrong)


@every_case
def test_values_outside_are_named_with_place_and_remedy(
    name, options, inside, outside
):
    likelihood = built(name, options)
    for value in outside:
        x = values_of(inside, (4, *EVENT_SHAPE))
        x[2, 0, 1, 1] = x[3, 2, 2, 1] = value
        message = (
            rf"`x` must hold .* for `{type(likelihood).__name__}`. Received: "
            rf"x\[2, 0, 1, 1\]={value:g}\. [A-Z]"
        )
        with pytest.raises(ValueError, match=message):
            likelihood.check_support(x)


@every_case
def test_missing_values_have_a_remedy_of_their_own(
    name, options, inside, outside
):
    x = values_of(inside, (4, *EVENT_SHAPE))
    x[1, 0, 0, 0] = np.nan
    message = r"x\[1, 0, 0, 0\]=nan.* Remove or replace missing values"
    with pytest.raises(ValueError, match=message):
        built(name, options).check_support(x)


def test_grey_levels_under_a_bernoulli_have_three_remedies():
    x = np.full((1, *EVENT_SHAPE), 0.5, "float32")
    for remedy in (
        r'`datasets.load\(..., binarize="dynamic"\)`',
        r"`likelihoods.Normal\(\)`",
        r"`likelihoods.Bernoulli\(allow_grey=True\)`",
    ):
        with pytest.raises(ValueError, match=remedy):
            built("bernoulli", {}).check_support(x)


@pytest.mark.parametrize(
    "scale",
    [0, -1.0, np.inf, np.nan, "learned", True, None, [1.0], np.ones(3)],
    ids=repr,
)
def test_the_scale_of_a_normal_is_checked(scale):
    message = (
        "`scale` must be a positive finite number or one of .* Received: "
        'scale=(?s:.*)`Normal\\(scale="shared"\\)`'
    )
    with pytest.raises(ValueError, match=message):
        likelihoods.Normal(scale=scale)


@pytest.mark.parametrize("scale", [2, 2.0, np.float32(2), np.float64(2)])
def test_any_number_is_a_scale(scale):
    likelihood = likelihoods.Normal(scale=scale)
    assert likelihood.scale == 2.0
    assert type(likelihood.get_config()["scale"]) is float


@pytest.mark.parametrize(
    ("scale", "shape", "count"),
    [(0.5, (), 0), ("shared", (), 1), ("per_output", EVENT_SHAPE, 18)],
)
def test_the_scales_of_a_normal(scale, shape, count):
    likelihood = built("normal", {"scale": scale})
    parameters = likelihood(features())
    assert tuple(parameters["scale"].shape) == shape
    head = likelihood.head.dense.count_params()
    assert likelihood.count_params() - head == count
    predicted = built("normal", {"scale": "predicted"})
    assert predicted(features())["scale"].shape == (2, *EVENT_SHAPE)
    assert predicted.count_params() == 2 * head
