"""Every kind of data that Keras takes trains alike."""

import importlib.util

import keras
import numpy as np
import pytest

BATCH = 16


class Batches(keras.utils.PyDataset):
    def __init__(self, x, weight=None):
        super().__init__()
        self.x, self.weight = x, weight

    def __len__(self):
        return -(-len(self.x) // BATCH)

    def __getitem__(self, index):
        part = slice(BATCH * index, BATCH * (index + 1))
        if self.weight is None:
            return self.x[part]
        return self.x[part], self.x[part], self.weight[part]


def generator(x, weight=None):
    data = Batches(x, weight)
    return (data[i] for i in range(len(data)))


def tf_data(x, weight=None):
    import tensorflow as tf

    values = x if weight is None else (x, x, weight)
    return tf.data.Dataset.from_tensor_slices(values).batch(BATCH)


def data_loader(x, weight=None):
    import torch

    tensors = [x] if weight is None else [x, x, weight]
    tensors = [torch.from_numpy(tensor) for tensor in tensors]
    dataset = torch.utils.data.TensorDataset(*tensors)
    return torch.utils.data.DataLoader(dataset, batch_size=BATCH)


def needs(module):
    return pytest.mark.skipif(
        importlib.util.find_spec(module) is None,
        reason=f"`{module}` is not installed, whose data this test passes in.",
    )


STREAMS = [
    pytest.param(Batches, id="PyDataset"),
    pytest.param(generator, id="generator"),
    pytest.param(tf_data, id="tf.data", marks=needs("tensorflow")),
    pytest.param(data_loader, id="DataLoader", marks=needs("torch")),
]


@pytest.fixture
def run(make_vae):
    """Trains for an epoch and returns the weights, the logs and the VAE."""

    def fit(x, **options):
        vae = make_vae()
        vae.compile(keras.optimizers.SGD(0.05))
        history = vae.fit(x, epochs=1, verbose=0, **options).history
        return vae.get_weights(), history, vae

    return fit


def assert_same(ours, theirs):
    for a, b in zip(ours[0], theirs[0], strict=True):
        np.testing.assert_allclose(a, b, 1e-5, 1e-6)
    for name, values in ours[1].items():
        np.testing.assert_allclose(values, theirs[1][name], 1e-5)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("weighted", [False, True])
def test_streams_train_as_arrays_do(run, images, stream, weighted):
    x = images[:40]  # The last batch is smaller.
    weight = np.linspace(0, 2, 40, dtype="float32") if weighted else None
    expected = run(x, sample_weight=weight, shuffle=False, batch_size=BATCH)
    received = run(stream(x, weight), shuffle=False)
    assert_same(received, expected)
    assert int(received[2].training_step) == 3


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_are_evaluated_as_arrays_are(
    make_vae, freeze_noise, images, stream
):
    vae = freeze_noise(make_vae())
    vae.compile("sgd")
    expected = vae.evaluate(images, verbose=0, return_dict=True)
    received = vae.evaluate(stream(images), verbose=0, return_dict=True)
    assert received == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize(
    "dtype", ["uint8", "bool", "int64", "float64", "float16"]
)
def test_any_dtype(run, images, dtype):
    expected = run(images, shuffle=False, batch_size=BATCH)
    received = run(images.astype(dtype), shuffle=False, batch_size=BATCH)
    assert_same(received, expected)


def test_tensors_of_the_backend(run, images):
    expected = run(images, shuffle=False, batch_size=BATCH)
    tensor = keras.ops.convert_to_tensor(images)
    assert_same(run(tensor, shuffle=False, batch_size=BATCH), expected)


def test_an_endless_generator_with_steps(run, images):
    def forever():
        while True:
            yield images[:BATCH]

    _, history, vae = run(forever(), steps_per_epoch=5)
    assert int(vae.training_step) == 5
    assert len(history["loss"]) == 1


def test_looking_at_a_generator_loses_no_batch(run, images):
    seen = []

    def counted():
        for index in range(3):
            seen.append(index)
            yield images[16 * index : 16 * (index + 1)]

    _, _, vae = run(counted())
    assert seen == [0, 1, 2]
    assert int(vae.training_step) == 3


@pytest.mark.parametrize("data", [[1, 2], {"x": 1}, None, "x"])
def test_other_things_are_errors(run, data):
    with pytest.raises((TypeError, ValueError)):
        run(data)


def test_lists_are_refused_in_words(run, images):
    message = "`x` must be an array.*Received: x of type list.*numpy.asarray"
    with pytest.raises(TypeError, match=message):
        run(list(images))
