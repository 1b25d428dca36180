"""Steps on TensorFlow in loops: XLA's, from drawn noise, or its own."""

import keras
import numpy as np
import pytest

from keras_vae import VAE, ConditionalVAE, networks
from tests.conftest import BACKEND

if BACKEND != "tensorflow":
    pytest.skip("It is about TensorFlow's steps.", allow_module_level=True)

import tensorflow as tf

from keras_vae.trainers import tensorflow_execution, tensorflow_xla
from keras_vae.trainers.tensorflow_loop import Loop
from keras_vae.trainers.tensorflow_xla import CompiledSteps, refusal


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(VAE, "most_steps", 4)
    monkeypatch.setattr(tensorflow_execution, "STEPS_BEFORE_LOOP", 4)


def trained(vae, *data, fast_path=True, **options):
    vae.compile(keras.optimizers.Adam(1e-2), fast_path=fast_path)
    keras.utils.set_random_seed(3)
    vae.fit(*data, batch_size=8, epochs=3, verbose=0, **options)
    return vae


def loops(vae):
    return list(vae.train_function.loops.values())


def kinds(vae):
    """The kinds of loops that ran."""
    return {type(loop) for loop in loops(vae)}


def assert_same_weights(one, other):
    for a, b in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def test_conditions_come_with_their_examples(images):
    def make():
        keras.utils.set_random_seed(0)
        shape = images.shape[1:]
        return ConditionalVAE(
            networks.mlp_encoder(shape, (8,), condition_dim=3),
            networks.mlp_decoder(2, (8,), condition_dim=3),
            seed=0,
        )

    y = np.arange(len(images)) % 3
    fast = trained(make(), images, y)
    assert kinds(fast) == {CompiledSteps}
    assert_same_weights(fast, trained(make(), images, y, fast_path=False))


def with_layers(make_vae, encoder_layers):
    """A VAE with new layers of the same configuration, and the same seeds."""
    keras.utils.set_random_seed(0)
    new = [
        layer.__class__.from_config(layer.get_config())
        for layer in encoder_layers
    ]
    return make_vae(encoder_layers=new)


@pytest.mark.parametrize(
    ("layers", "reason"),
    [
        ([keras.layers.Dropout(0.2)], "other random numbers"),
        (
            [
                keras.layers.Reshape((4, 2, 1)),
                keras.layers.Conv2D(2, 2),
                keras.layers.Flatten(),
            ],
            "slower at ..Conv2D",
        ),
    ],
)
def test_what_xla_is_not_given(layers, reason, make_vae, images, caplog):
    caplog.set_level("INFO", logger=tensorflow_execution.__name__)
    vae = trained(with_layers(make_vae, layers), images)
    assert kinds(vae) == {Loop}
    plain = trained(with_layers(make_vae, layers), images, fast_path=False)
    assert_same_weights(vae, plain)
    (record,) = {record.getMessage() for record in caplog.records}
    assert record.startswith("Steps are not compiled by XLA: it ")
    assert reason.replace("..", "['") in record


class Unknown(keras.layers.Layer):
    """An operation that XLA has not."""

    def call(self, inputs):
        text = tf.strings.as_string(inputs)
        return inputs + 0.0 * tf.strings.to_number(text)


def test_what_xla_has_not(make_vae, images, caplog):
    caplog.set_level("INFO", logger=tensorflow_execution.__name__)
    vae = trained(make_vae(encoder_layers=[Unknown()]), images)
    assert kinds(vae) == {Loop}
    assert "Steps are not compiled by XLA: " in caplog.text
    assert np.isfinite(vae.evaluate(images, verbose=0)[0])


@pytest.mark.parametrize("dtype", ["mixed_bfloat16", "mixed_float16"])
def test_sixteen_bits_are_left_to_tensorflow(dtype, images):
    def make():
        keras.utils.set_random_seed(0)
        options = {"dtype": dtype, "seed": 0}
        shape = images.shape[1:]
        return VAE(
            networks.mlp_encoder(shape, (8,), **options),
            networks.mlp_decoder(2, (8,), **options),
            seed=0,
        )

    vae = trained(make(), images)
    assert kinds(vae) == {Loop}
    assert_same_weights(vae, trained(make(), images, fast_path=False))
    if dtype == "mixed_float16":
        scale = float(vae.optimizer.dynamic_scale)
        assert scale > 1.0


class StatefulNoise(keras.layers.Layer):
    """Noise from an operation that counts its own draws."""

    def call(self, inputs):
        return inputs + 0.1 * tf.random.normal(tf.shape(inputs))


class Loopless(keras.layers.Layer):
    """What cannot be traced in a loop."""

    def call(self, inputs):
        if "while" in tf.compat.v1.get_default_graph().name:
            raise NotImplementedError("This layer takes no loop.")
        return inputs + 0.0 * tf.strings.to_number(tf.constant("1"))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (StatefulNoise, "other random numbers in ['RandomStandardNormal']"),
        (Loopless, "not looped by TensorFlow: "),
    ],
)
def test_what_has_no_loop(layer, message, make_vae, images, caplog):
    caplog.set_level("INFO", logger=tensorflow_execution.__name__)
    vae = trained(make_vae(encoder_layers=[layer()]), images[:40])
    assert loops(vae) == [None] * len(loops(vae)) != []
    assert message in caplog.text
    assert int(vae.training_step.value) == 15


def test_one_step_at_a_time_has_no_loop_of_tensorflow(make_vae, images):
    dropout = keras.layers.Dropout(0.2)
    each = keras.callbacks.LambdaCallback(
        on_train_batch_end=lambda batch, logs: None
    )
    vae = trained(make_vae(encoder_layers=[dropout]), images, callbacks=each)
    assert set(loops(vae)) == {None}
    vae.fit(images, batch_size=8, verbose=0)  # Now it may be grouped.
    assert Loop in kinds(vae)


def test_validation_has_a_loop(make_vae, images):
    def history(**options):
        vae = make_vae()
        data = {"validation_data": images[:40], **options}
        return trained(vae, images, **data), vae.history.history

    fast, fast_logs = history()
    assert {type(loop) for loop in fast.test_function.loops.values()} == {Loop}
    _, plain_logs = history(fast_path=False)
    assert fast_logs.keys() == plain_logs.keys()
    assert "val_elbo" in fast_logs
    for name, values in fast_logs.items():
        np.testing.assert_allclose(values, plain_logs[name], rtol=1e-5)


def test_a_jit_compile_of_ones_own_is_left_to_keras(make_vae, images):
    vae = make_vae()
    for choice in (True, False):
        vae.compile("adam", jit_compile=choice)
        vae.make_train_function()
        assert not vae.groups_steps
        assert not hasattr(vae.train_function, "loops")


def test_not_for_ever_new_shapes(make_vae, images, monkeypatch):
    monkeypatch.setattr(tensorflow_execution, "MAX_LOOPS", 1)
    vae = trained(make_vae(), images[:40])
    assert len(loops(vae)) == 1
    vae.fit(images[:32], batch_size=8, epochs=3, verbose=0)
    assert len(loops(vae)) == 1
    assert int(vae.training_step.value) == 15 + 12


def test_a_loop_runs_as_many_steps_as_there_are_batches():
    total = tf.Variable(0.0)

    def step(examples, batch):
        total.assign_add(tf.reduce_sum(tf.gather(examples, batch[0])))
        return {"total": total + 0.0}

    examples = tf.constant([1.0, 10.0, 100.0, 1000.0])
    batches = [(np.array([0, 1]),), (np.array([2, 2]),), (np.array([3, 0]),)]
    by_xla = CompiledSteps(step, examples, batches[0], 3)
    assert not by_xla.draws
    for steps in (by_xla, Loop(step, {"total": tf.constant(0.0)}, 3)):
        total.assign(0.0)
        assert float(steps(examples, batches[:2])["total"]) == 211.0
        assert float(steps(examples, batches)["total"]) == 211.0 + 1212.0
        logs = steps(examples, batches * 3)
        assert float(logs["total"]) == 211.0 + 4 * 1212.0


def test_a_loop_keeps_little_noise(make_vae, images, monkeypatch):
    # Two latents of eight examples in float32, and the examples' numbers
    monkeypatch.setattr(tensorflow_xla, "_LIMIT", 3 * (2 + 1) * 8 * 4)
    vae = trained(make_vae(), images)
    assert {one.num_steps for one in loops(vae)} == {3}
    assert_same_weights(vae, trained(make_vae(), images, fast_path=False))
    monkeypatch.setattr(tensorflow_xla, "_LIMIT", 1)
    vae = trained(make_vae(), images)
    assert {one.num_steps for one in loops(vae)} == {1}


def test_reasons():
    assert refusal({"MatMul", "StatelessIf"}) == ""
    assert "random" in refusal({"MatMul", "StatelessRandomNormalV2"})
    assert "random" in refusal({"TruncatedNormal"})
    assert "Conv2DBackpropInput" in refusal({"Conv2DBackpropInput"})
