"""Steps that `fit` groups by itself: who could tell, and who must not."""

import keras
import numpy as np
import pytest

from keras_vae import VAE, layers, networks, objectives
from keras_vae.trainers import grouping

BATCH_SIZE = 8


class Steps(keras.callbacks.Callback):
    """Notes each step, or each group, that it is told of."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(batch)


class Tolerant(Steps):
    steps_may_be_grouped = True


@pytest.fixture
def seen(make_vae, images):
    """Trains with a callback; returns the batches that it was told of."""

    def fit(callback, *more, compile=None, **options):
        vae = make_vae()
        vae.compile("adam", **(compile or {}))
        vae.fit(
            images,
            batch_size=BATCH_SIZE,
            verbose=0,
            callbacks=[callback, *more],
            **options,
        )
        assert vae.steps_per_execution == (compile or {}).get(
            "steps_per_execution", 1
        )
        steps = options.get("steps_per_epoch") or -(-len(images) // BATCH_SIZE)
        assert int(vae.training_step.value) == steps
        return callback.seen, steps

    return fit


def test_who_allows_it_sees_groups(seen):
    batches, steps = seen(Tolerant())
    assert steps < VAE.most_steps
    assert batches == [steps - 1]


@pytest.mark.parametrize(
    ("num_examples", "most_steps", "expected"),
    [(12, 256, 6), (13, 256, 7), (20, 4, 4), (21, 4, 4), (936, 256, 234)]
    + [(2, 8, 1), (1, 8, 1), (20, 1, 1)],
)
def test_groups_of_an_epoch_are_alike(num_examples, most_steps, expected):
    received = grouping.evenly(num_examples, 2, most_steps)
    assert received == expected <= most_steps


@pytest.mark.parametrize(
    ("options", "num_steps"),
    [
        ({}, 10),
        ({"validation_split": 0.3}, 7),
        ({"validation_split": 0.33}, 7),
    ],
)
def test_a_progress_bar_ends_at_the_last_step(
    options, num_steps, make_vae, images, capsys
):
    vae = make_vae()
    vae.compile("adam")
    vae.fit(images[:40], batch_size=4, verbose=1, **options)
    bar = capsys.readouterr().out
    assert f"{num_steps}/{num_steps}" in bar
    shown = {step for step in range(100) if f"{step}/{num_steps}" in bar}
    assert max(shown) == num_steps


def test_who_looks_at_steps_sees_each(seen):
    batches, steps = seen(Steps())
    assert batches == list(range(steps))
    # One of them is enough.
    assert seen(Tolerant(), Steps())[0] == batches


@pytest.mark.parametrize(
    "options",
    [
        {"compile": {"steps_per_execution": 2}},
        {"compile": {"check_every": 3}},
        {"compile": {"fast_path": False}},
        {"compile": {"run_eagerly": True}},
        {"steps_per_epoch": 3},
    ],
    ids=["own", "check_every", "plain", "eager", "steps_per_epoch"],
)
def test_what_turns_it_off(options, seen):
    batches, steps = seen(Tolerant(), **options)
    step = options.get("compile", {}).get("steps_per_execution", 1)
    expected = range(step - 1, steps - 1 + step, step)
    assert batches == list(expected)


def test_a_split_that_leaves_nothing_is_refused(make_vae, images):
    vae = make_vae()
    vae.compile("adam")
    with pytest.raises(ValueError, match="validation_split"):
        vae.fit(images[:1], validation_split=0.5, verbose=0)


def test_a_stream_is_not_grouped(make_vae, images):
    vae, steps = make_vae(), Tolerant()
    vae.compile("adam")
    stream = ((images[i : i + 8],) for i in range(0, 40, 8))
    vae.fit(stream, verbose=0, callbacks=[steps])
    assert steps.seen == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("callback", "grouped"),
    [
        (keras.callbacks.EarlyStopping("loss"), True),
        (keras.callbacks.ModelCheckpoint("x.keras"), True),
        (keras.callbacks.ModelCheckpoint("x.keras", save_freq=7), False),
        (keras.callbacks.BackupAndRestore("backup"), True),
        (keras.callbacks.TerminateOnNaN(), False),
        (keras.callbacks.LambdaCallback(on_epoch_end=print), True),
        (keras.callbacks.LambdaCallback(on_train_batch_end=print), False),
        (Steps(), False),
        (Tolerant(), True),
    ],
)
@pytest.mark.parametrize("wrap", ["one", "list", "callback_list"])
def test_which_callbacks_allow_it(callback, grouped, wrap, make_vae):
    vae = make_vae()
    vae.compile("adam")
    given = {
        "one": callback,
        "list": [callback],
        "callback_list": keras.callbacks.CallbackList([callback]),
    }[wrap]
    with grouping.grouped(vae, given, 1000, None):
        assert (vae.steps_per_execution > 1) == grouped
    assert vae.steps_per_execution == 1


def test_large_networks_have_small_groups():
    def mlp(width, **options):
        vae = VAE(
            networks.mlp_encoder((4, 4, 1), (width,)),
            networks.mlp_decoder(2, (width,)),
            **options,
        )
        return vae, vae.count_params()

    small, _ = mlp(8)
    assert grouping.steps_of_a_group(small, 16) == small.most_steps
    large, params = mlp(1000)
    # 4e11 operations, 6 for a weight and an example
    expected = int(4e11 / (6 * params * 400_000))
    assert 1 < expected < small.most_steps
    assert grouping.steps_of_a_group(large, 400_000) == expected
    assert grouping.steps_of_a_group(large, 10**9) == 1
    several, _ = mlp(1000, objective=objectives.IWAE(num_samples=10))
    assert grouping.steps_of_a_group(several, 40_000) == expected


def conv_vae(as_plain=False):
    """A VAE of two convolutions, with or without Keras's own gradient."""
    encoder = networks.conv_encoder((8, 8, 1), filters=(2,))
    if as_plain:
        encoder = keras.models.clone_model(encoder, clone_function=plain)
    return VAE(encoder, networks.conv_decoder(2, (8, 8, 1), filters=(2,)))


def plain(layer):
    if isinstance(layer, layers.Conv2D):
        return keras.layers.Conv2D.from_config(layer.get_config())
    return layer.__class__.from_config(layer.get_config())


def test_convolutions_are_grouped_where_a_loop_is_as_fast():
    """On JAX those by phases alone, on TensorFlow all of two dimensions."""
    backend = keras.backend.backend()
    vae = conv_vae()
    # 4x4 times 3x3x1x2; 2 biases, 16 times each; the encoder's head
    # of 32 to 4; a dense layer of 2 to 32; 4x4 times 3x3x2x2, and the
    # pointwise head of 2 to 1.
    products = 16 * (18 + 2) + 33 * 4 + 3 * 32 + 16 * (36 + 2) + 3
    expected = int(4e11 / (6 * products * 8 * 10**6))
    assert expected > 1
    for each, fits in (
        (vae, backend != "torch"),
        (conv_vae(as_plain=True), backend == "tensorflow"),
    ):
        assert grouping.fits_a_loop(each) == fits
        received = grouping.steps_of_a_group(each, 8 * 10**6)
        assert received == (expected if fits else 1)


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        (keras.layers.Conv2D, (9, 8, 5), 7 * 6),
        (keras.layers.Conv2DTranspose, (9, 8, 5), 9 * 8),
        (layers.Conv2D, (9, 8, 5), 7 * 6),
        (layers.Conv2DTranspose, (9, 8, 5), 9 * 8),
        (keras.layers.Conv2D, (None, 8, 5), 0),
    ],
)
@pytest.mark.parametrize("order", ["channels_last", "channels_first"])
def test_how_often_an_image_meets_a_kernel(make, shape, expected, order):
    """As often as it lies on the image, whatever the channels."""
    layer = make(7, 3, data_format=order)
    *size, channels = shape
    first = order == "channels_first"
    layer.build((None, channels, *size) if first else (None, *shape))
    assert grouping._positions(layer) == expected


def test_recurrent_layers_are_not_grouped():
    recurrent = keras.Sequential(
        [keras.Input((4, 2)), keras.layers.GRU(3), keras.layers.Dense(3)]
    )
    vae = VAE(recurrent, networks.mlp_decoder(2, (4,)), likelihood="normal")
    assert not grouping.fits_a_loop(vae)
    assert grouping.steps_of_a_group(vae, 16) == 1


@pytest.mark.skipif(
    keras.backend.backend() != "jax",
    reason="Only JAX leaves loops.",
)
@pytest.mark.parametrize("as_plain", [False, True])
def test_steps_that_are_slow_in_a_loop_go_one_by_one(as_plain, monkeypatch):
    from keras_vae.trainers.jax_execution import Execution

    vae = conv_vae(as_plain)
    vae.compile("adam", steps_per_execution=2)
    loops = []
    make = vae.make_train_function

    def spy(force=False):
        make(force)
        many = vae.train_function._many

        def counted(*arguments):
            loops.append(arguments)
            return many(*arguments)

        assert isinstance(vae.train_function, Execution)
        vae.train_function._many = counted

    monkeypatch.setattr(vae, "make_train_function", spy)
    vae.fit(np.ones((8, 8, 8, 1)), batch_size=2, verbose=0)
    assert len(loops) == (0 if as_plain else 2)
    assert int(vae.training_step) == 4


@pytest.mark.filterwarnings("error:Your input ran out of data")
def test_short_last_batches_and_several_epochs(make_vae, images):
    """40 images in batches of 6: 6 whole ones, and one of 4."""
    weights = []
    for callbacks in ([], [Steps()]):
        vae = make_vae()
        vae.compile("adam")
        keras.utils.set_random_seed(1)
        history = vae.fit(
            images[:40],
            batch_size=6,
            epochs=3,
            verbose=0,
            callbacks=callbacks,
            validation_data=images[:7],
        )
        assert int(vae.training_step.value) == 21
        weights.append([*vae.get_weights(), *history.history.values()])
    for one, other in zip(*weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)
