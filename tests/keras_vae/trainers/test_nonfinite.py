"""A non-finite step leaves no trace but its count; a run of them stops."""

import keras
import numpy as np
import pytest

from keras_vae import likelihoods
from keras_vae.trainers.nonfinite import TERM_BITS, describe_terms


class NaNGradient(keras.layers.Layer):
    """Finite going forward; its gradient is 0 / 0 where the input is 0."""

    def call(self, x):
        return x + keras.ops.sqrt(keras.ops.abs(x))


def bad(batch):
    batch = batch.copy()
    batch[1] = np.nan
    return batch


def stream(images, pattern):
    """Batches of 16: `"+"` is a good one and `"-"` one with a NaN."""
    for index, sign in enumerate(pattern):
        batch = images[16 * (index % 3) :][:16]
        yield batch if sign == "+" else bad(batch)


def state(vae):
    """All that a skipped step must not touch, by name."""
    counters = {"training_step", "nonfinite_steps", "nonfinite_run"}
    counters |= {"nonfinite_terms", "seed_generator_state"}
    return {
        f"{kind}/{index}/{v.path}": np.array(keras.ops.convert_to_numpy(v))
        for kind, variables in (
            ("weights", vae.trainable_variables),
            ("statistics", vae.non_trainable_variables),
            ("optimizer", vae.optimizer.variables),
        )
        for index, v in enumerate(variables)
        if v.name not in counters
    }


def counts(vae):
    return [
        int(keras.ops.convert_to_numpy(getattr(vae, name)))
        for name in ("training_step", "nonfinite_steps", "nonfinite_run")
    ]


def assert_equal_state(ours, theirs):
    ours, theirs = state(ours), state(theirs)
    assert [n.split("/")[:2] for n in ours] == [
        n.split("/")[:2] for n in theirs
    ]
    for (name, a), b in zip(ours.items(), theirs.values(), strict=True):
        np.testing.assert_array_equal(a, b, err_msg=name)


OPTIMIZERS = {
    "adam": lambda: keras.optimizers.Adam(0.01),
    "accumulating": lambda: keras.optimizers.Adam(
        0.01, gradient_accumulation_steps=2
    ),
    "averaging": lambda: keras.optimizers.SGD(
        0.01, momentum=0.9, use_ema=True, ema_overwrite_frequency=None
    ),
    "scaling": lambda: keras.optimizers.LossScaleOptimizer(
        keras.optimizers.Adam(0.01), dynamic_growth_steps=1
    ),
}


@pytest.fixture
def make(make_vae):
    """A VAE with batch statistics and a metric."""

    def compiled(optimizer="adam", **options):
        vae = make_vae(
            encoder_layers=[keras.layers.BatchNormalization()],
            decoder_layers=[keras.layers.BatchNormalization()],
        )
        options = {"metrics": ["mse"], "nonfinite_patience": 3, **options}
        vae.compile(OPTIMIZERS[optimizer](), **options)
        return vae

    return compiled


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_bad_step_leaves_no_trace(make, images, optimizer):
    with_bad, without = make(optimizer), make(optimizer)
    with pytest.warns(UserWarning, match="1 training steps were not finite"):
        received = with_bad.fit(stream(images, "+-"), verbose=0).history
    expected = without.fit(stream(images, "+"), verbose=0).history
    assert counts(with_bad) == [1, 1, 1]
    assert counts(without) == [1, 0, 0]
    assert_equal_state(with_bad, without)
    assert received == expected


def test_training_goes_on_after_a_bad_step(make, images):
    vae = make()
    with pytest.warns(UserWarning, match="Epoch 1: 2 training steps were not"):
        history = vae.fit(stream(images, "+-+-+"), verbose=0).history
    assert counts(vae) == [3, 2, 0]
    for values in history.values():
        assert np.isfinite(values).all()


@pytest.mark.parametrize(
    "options",
    [{"run_eagerly": True}, {"steps_per_execution": 2}, {"jit_compile": True}],
    ids=["eager", "several steps", "jit"],
)
def test_a_bad_step_however_it_is_run(make, images, options):
    if "jit_compile" in options and keras.backend.backend() == "torch":
        pytest.skip("torch.compile takes a minute; test_execution.py has it.")
    with_bad, without = make(**options), make(**options)
    with pytest.warns(UserWarning, match="were skipped"):
        with_bad.fit(stream(images, "+-"), verbose=0)
    without.fit(stream(images, "+"), verbose=0)
    assert counts(with_bad) == [1, 1, 1]
    assert_equal_state(with_bad, without)


def test_each_epoch_reports_its_own(make, images):
    batches = stream(images, "+-++--")
    with pytest.warns(UserWarning) as caught:
        make().fit(batches, epochs=3, steps_per_epoch=2, verbose=0)
    messages = [str(one.message) for one in caught]
    messages = [one[:10] for one in messages if "not finite" in one]
    assert messages == ["Epoch 1: 1", "Epoch 3: 2"]


def test_a_run_of_bad_steps_stops_at_the_end_of_the_epoch(make, images):
    vae, reference = make(), make()
    reference.fit(stream(images, "+"), verbose=0)
    message = (
        "Training steps must be finite. Received: the last 4 steps had a "
        "non-finite log_likelihood and kl; .*Adam\\(1e-4\\)"
    )
    with pytest.raises(FloatingPointError, match=message):
        vae.fit(stream(images, "+----"), verbose=0)
    assert counts(vae) == [1, 4, 4]
    assert_equal_state(vae, reference)
    # The model is whole: it trains on, and the run is over.
    vae.fit(stream(images, "+"), verbose=0)
    assert counts(vae) == [2, 4, 0]


@pytest.mark.parametrize("steps_per_execution", [1, 2])
def test_looking_every_few_steps_stops_sooner(
    make, images, steps_per_execution
):
    vae = make(check_every=2, steps_per_execution=steps_per_execution)
    seen = []

    def counted():
        for index, batch in enumerate(stream(images, "+" + "-" * 40)):
            seen.append(index)
            yield batch

    with pytest.raises(FloatingPointError, match="the last [3-6] steps"):
        vae.fit(counted(), verbose=0)
    assert len(seen) < 12
    assert np.isfinite(
        np.concatenate([w.ravel() for w in vae.get_weights()])
    ).all()


def test_patience_below_is_only_a_warning(make, images):
    vae = make(nonfinite_patience=4)
    with pytest.warns(UserWarning, match="3 training steps were not finite"):
        vae.fit(stream(images, "+---"), verbose=0)


def test_the_noise_moves_on_after_a_bad_step(make, images):
    """Else the same noise would be drawn again, and might fail again."""
    vae = make()
    vae.compile(keras.optimizers.SGD(0.0))
    (generator,) = [
        v
        for v in vae.non_trainable_variables
        if v.name == "seed_generator_state"
    ]
    states = []
    for pattern in ("+", "-"):
        batches = stream(images, "+" + pattern)
        if pattern == "-":
            with pytest.warns(UserWarning, match="skipped"):
                vae.fit(batches, verbose=0)
        else:
            vae.fit(batches, verbose=0)
        states.append(np.array(keras.ops.convert_to_numpy(generator)))
    assert states[1][1] == 2 * states[0][1] or (states[0] != states[1]).any()


@pytest.mark.parametrize(
    ("options", "batch", "name"),
    [
        ({}, bad(np.ones((16, 4, 4, 1), "float32")), "log_likelihood and kl"),
        (
            {"likelihood": likelihoods.Normal(), "event_shape": (6,)},
            np.full((16, 6), 1e30, "float32"),
            "log_likelihood",
        ),
        (
            {"encoder_layers": [keras.layers.Rescaling(1e30)]},
            np.ones((16, 4, 4, 1), "float32"),
            "kl",
        ),
        (
            {"encoder_layers": [NaNGradient()]},
            np.zeros((16, 4, 4, 1), "float32"),
            "gradients",
        ),
    ],
    ids=["nan", "far away", "huge posterior", "gradient"],
)
def test_the_error_names_the_term(make_vae, options, batch, name):
    good = np.zeros_like(batch) if name != "gradients" else np.ones_like(batch)
    vae = make_vae(**options)
    vae.compile(keras.optimizers.SGD(0.0), nonfinite_patience=2)
    batches = (one for one in [good, batch, batch])
    with pytest.raises(FloatingPointError, match=f"non-finite {name};"):
        vae.fit(batches, verbose=0)


@pytest.mark.parametrize(
    ("bits", "words"),
    [
        (0, "loss"),
        (1, "log_likelihood"),
        (2, "kl"),
        (3 + 4 + 8, "log_likelihood and kl"),
        (1 + 4, "log_likelihood"),
        (4 + 8, "loss and gradients"),
        (8, "gradients"),
    ],
)
def test_terms_are_named_from_their_bits(bits, words):
    assert describe_terms(bits) == words
    assert sorted(TERM_BITS.values()) == [1, 2, 4, 8]


def test_single_batches_are_guarded_too(make, images):
    """`train_on_batch` refuses a NaN; what overflows inside is skipped."""
    vae = make()
    with pytest.raises(ValueError, match="=nan"):
        vae.train_on_batch(bad(images))
    before = state(vae)
    vae.train_on_batch(images, sample_weight=np.full(48, np.inf, "float32"))
    assert counts(vae) == [0, 1, 1]
    for name, value in state(vae).items():
        np.testing.assert_array_equal(value, before[name], err_msg=name)


def test_the_counts_are_saved(make, images, tmp_path):
    vae = make()
    with pytest.warns(UserWarning, match="skipped"):
        vae.fit(stream(images, "+-"), verbose=0)
    vae.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert counts(loaded) == [1, 1, 1]
    # Training on warns of nothing that was reported before.
    loaded.fit(stream(images, "+"), verbose=0)
    assert counts(loaded) == [2, 1, 0]
