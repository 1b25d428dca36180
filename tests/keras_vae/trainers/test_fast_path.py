"""The fast path of training: the plain path's results, made otherwise."""

import keras
import numpy as np
import pytest

from keras_vae import VAE, networks, objectives
from keras_vae.trainers import adam
from tests.conftest import BACKEND

STEPS = 20
BATCH_SIZE = 16

OBJECTIVES = {
    "elbo": objectives.ELBO(),
    "samples": objectives.ELBO(num_samples=3, kl="monte_carlo"),
    "free_bits": objectives.ELBO(free_bits=0.1),
    "capacity": objectives.ELBO(kl_weight=10.0, capacity=0.5),
    "warm_up": objectives.ELBO(
        kl_weight=objectives.schedules.Linear(num_steps=15)
    ),
    "iwae": objectives.IWAE(num_samples=4),
    "dreg": objectives.IWAE(num_samples=4, gradient="dreg"),
    "stl": objectives.IWAE(num_samples=4, gradient="stl"),
    "ciwae": objectives.CIWAE(num_samples=4),
    "miwae": objectives.MIWAE(num_groups=2, group_size=2),
    "piwae": objectives.PIWAE(num_groups=2, group_size=2),
    "score_function": objectives.ScoreFunction(num_samples=3),
    "vimco": objectives.VIMCO(num_samples=3),
}


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    """Groups are small, and XLA's own steps begin before the twentieth."""
    monkeypatch.setattr(VAE, "most_steps", 6)
    if BACKEND == "tensorflow":
        monkeypatch.setattr(
            "keras_vae.trainers.tensorflow_execution.STEPS_BEFORE_LOOP", 6
        )


def to_arrays(variables):
    return [np.array(keras.ops.convert_to_numpy(v)) for v in variables]


def everything(vae):
    return to_arrays([*vae.variables, *vae.optimizer.variables])


@pytest.fixture
def many(images):
    """320 images: 20 batches of 16."""
    return np.tile(images, (7, 1, 1, 1))[: STEPS * BATCH_SIZE]


def fitted(make, x, fast_path, optimizer=None, **options):
    """Trains the same VAE on one of the two paths."""
    compile_options = options.pop("compile", {})
    vae = make()
    vae.compile(
        optimizer or keras.optimizers.Adam(1e-2),
        fast_path=fast_path,
        **compile_options,
    )
    keras.utils.set_random_seed(1)
    history = vae.fit(x, batch_size=BATCH_SIZE, verbose=0, **options)
    return vae, history.history


def assert_same(make, x, make_optimizer=lambda: None, **options):
    """Both paths give the same weights, states and logs."""
    fast, fast_logs = fitted(make, x, True, make_optimizer(), **options)
    plain, plain_logs = fitted(make, x, False, make_optimizer(), **options)
    for a, b in zip(everything(fast), everything(plain), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)
    assert fast_logs.keys() == plain_logs.keys()
    for name, values in fast_logs.items():
        np.testing.assert_allclose(values, plain_logs[name], rtol=1e-5)
    return fast


def graphs(vae):
    """What PyTorch traced of the training step, by shape."""
    return list(graph_step(vae).traced.values())


def compiled_by_xla(vae):
    """Whether XLA compiled TensorFlow's step, by the shape of its batches."""
    return [c is not None for c in vae.train_function.loops.values()]


def graph_step(vae):
    # The function that Keras calls loops over the step.
    cells = vae.train_function.__closure__
    (step,) = [
        c.cell_contents for c in cells if hasattr(c.cell_contents, "traced")
    ]
    return step


@pytest.mark.parametrize("name", OBJECTIVES)
def test_both_paths_give_the_same_weights(name, make_vae, many):
    vae = assert_same(lambda: make_vae(objective=OBJECTIVES[name]), many)
    assert int(vae.training_step.value) == STEPS
    if BACKEND == "torch":
        assert [traced is not None for traced in graphs(vae)] == [True]
    if BACKEND == "tensorflow":
        assert compiled_by_xla(vae) == [True]


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda: keras.optimizers.SGD(0.01, momentum=0.9),
        lambda: keras.optimizers.Adam(1e-2, clipnorm=0.1),
        lambda: keras.optimizers.Adam(1e-2, amsgrad=True),
        lambda: keras.optimizers.Adam(1e-2, use_ema=True),
        lambda: keras.optimizers.AdamW(1e-2, weight_decay=0.1),
        lambda: keras.optimizers.Adam(
            keras.optimizers.schedules.ExponentialDecay(1e-2, 5, 0.5)
        ),
        lambda: keras.optimizers.Adam(1e-2, epsilon=1e-3, beta_1=0.5),
    ],
    ids=["sgd", "clip", "amsgrad", "ema", "adamw", "schedule", "epsilon"],
)
def test_optimizers(make_optimizer, make_vae, many):
    assert_same(make_vae, many, make_optimizer)


@pytest.mark.skipif(BACKEND == "torch", reason="torch.compile takes a minute.")
@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_compiled_by_xla(name, make_vae, many):
    """TensorFlow leaves XLA out on a CPU, unless it is asked for."""
    assert_same(
        make_vae,
        many,
        lambda: keras.optimizers.get(
            {"class_name": name, "config": {"learning_rate": 1e-2}}
        ),
        compile={"jit_compile": True},
    )


def test_an_adam_of_ones_own_is_left_alone(make_vae):
    class Adam(keras.optimizers.Adam):
        def update_step(self, gradient, variable, learning_rate):
            variable.assign_sub(0.1 * gradient)

    vae = make_vae()
    for optimizer, is_plain in (
        (Adam(1e-2), False),
        (keras.optimizers.AdamW(1e-2), False),
        (keras.optimizers.Adam(1e-2), True),
    ):
        vae.compile(optimizer)
        weights = vae.trainable_variables
        assert adam.is_plain(vae.optimizer, weights) == is_plain
    assert not adam.is_plain(vae.optimizer, weights[1:])


def test_normalization_and_dropout(make_vae, many):
    def make():
        keras.utils.set_random_seed(0)  # Dropout starts its own generator.
        layers = [keras.layers.BatchNormalization(), keras.layers.Dropout(0.2)]
        return make_vae(encoder_layers=layers)

    vae = assert_same(make, many)
    if BACKEND == "torch":
        assert [traced is not None for traced in graphs(vae)] == [True]


@pytest.mark.slow
def test_convolutions(make_vae, many):
    """Their gradients come in another order of memory than the weights."""

    def make():
        keras.utils.set_random_seed(0)
        return make_vae(
            encoder=networks.conv_encoder((4, 4, 1), filters=(4, 6)),
            decoder=networks.conv_decoder(2, (4, 4, 1), filters=(6, 4)),
        )

    vae = assert_same(make, many)
    if BACKEND == "torch":
        step = next(iter(graph_step(vae).traced.values()))
        assert step.fused is not None
    if BACKEND == "tensorflow":
        assert None not in vae.train_function.loops.values()


def test_all_arguments_of_fit(make_vae, many):
    weights = np.linspace(0.5, 2.0, 120).astype("float32")
    vae = assert_same(
        make_vae,
        many[:120],
        epochs=14,
        sample_weight=weights,
        validation_data=(many[120:], None, np.ones(200, "float32")),
        compile={"metrics": ["mse"], "steps_per_execution": 3},
    )
    # What was kept on the device is let go.
    assert vae.resident.training is None
    assert vae.resident.validation is None


def test_a_validation_split(make_vae, many):
    assert_same(make_vae, many, validation_split=0.25, epochs=2)


def test_a_validation_split_beside_validation_data(make_vae, many):
    """Keras then splits nothing off."""
    data = {"validation_data": many[:40], "validation_split": 0.25}
    assert_same(make_vae, many, epochs=2, **data)


def test_frozen_weights(make_vae, many):
    def make():
        vae = make_vae()
        vae.encoder.trainable = False
        return vae

    assert_same(make, many)


def test_training_goes_on(make_vae, many):
    """The optimizer's state is one, whichever path moved it."""
    vae, _ = fitted(make_vae, many, True)
    vae.fast_path = False
    vae.make_train_function(force=True)
    vae.fit(many, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    other, _ = fitted(make_vae, many, False)
    other.fit(many, batch_size=BATCH_SIZE, shuffle=False, verbose=0)
    for a, b in zip(everything(vae), everything(other), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_steps_that_are_not_finite(make_vae, vectors):
    """The first and one long after: both leave weights and states alone."""
    x = np.tile(vectors, (7, 1))[: STEPS * BATCH_SIZE]
    x[0] = x[15 * BATCH_SIZE] = np.nan

    def stream():
        for first in range(BATCH_SIZE, len(x) + BATCH_SIZE, BATCH_SIZE):
            yield (x[first % len(x) :][:BATCH_SIZE],)

    vaes = []
    for fast_path in (True, False):
        vae = make_vae(event_shape=(6,))
        vae.compile(keras.optimizers.Adam(1e-2), fast_path=fast_path)
        with pytest.warns(UserWarning, match="2 training steps were not"):
            vae.fit(stream(), verbose=0)
        assert int(vae.nonfinite_steps.value) == 2
        assert int(vae.optimizer.iterations.value) == STEPS - 2
        vaes.append(vae)
    for a, b in zip(*map(everything, vaes), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_run_eagerly_has_no_fast_path(make_vae):
    vae = make_vae()
    vae.compile(run_eagerly=True)
    assert not vae.takes_fast_path
    vae.compile()
    assert vae.takes_fast_path
    vae.compile(fast_path=False)
    assert not vae.takes_fast_path


def test_it_is_saved(make_vae, tmp_path):
    vae = make_vae()
    vae.compile(fast_path=False)
    vae.save(tmp_path / "vae.keras")
    assert keras.saving.load_model(tmp_path / "vae.keras").fast_path is False
