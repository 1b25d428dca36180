"""What one backend's trainer alone does."""

import keras
import numpy as np
import pytest

from keras_vae import trainers

BACKEND = keras.backend.backend()


def only(backend):
    return pytest.mark.skipif(
        BACKEND != backend,
        reason=f"It calls the trainer of the backend {backend}, which is not "
        "the one that runs.",
    )


def test_the_trainer_is_the_backends():
    assert trainers.Trainer.__name__.lower() == f"{BACKEND}trainer"


def test_an_unknown_backend_is_an_error(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "numpy")
    with pytest.raises(ImportError, match="Received: KERAS_BACKEND='numpy'"):
        trainers._backend_trainer()


@only("torch")
@pytest.mark.parametrize("finite", [True, False])
def test_on_a_device_a_bad_step_is_made_and_undone(make_vae, images, finite):
    """Asking a GPU whether the step is finite would stall it at each step.

    Here the same route runs on the CPU: apply, then restore on the device.
    """
    import torch

    from keras_vae.trainers.torch import _restore, _snapshot

    vae = make_vae()
    vae.compile(keras.optimizers.Adam(0.01))
    variables = [*vae.trainable_weights, *vae.optimizer.variables]
    before = [v.value.detach().clone() for v in variables]
    snapshot = _snapshot(variables)
    value = 1.0 if finite else float("nan")
    gradients = [torch.full_like(v.value, value) for v in vae.trainable_weights]
    vae.optimizer.apply(gradients, vae.trainable_weights)
    _restore(snapshot, torch.tensor(finite))
    for v, old in zip(variables, before, strict=True):
        assert torch.isfinite(v.value).all()
        if not finite:
            assert torch.equal(v.value, old), v.path
    changed = [
        not torch.equal(v.value, old)
        for v, old in zip(vae.trainable_weights, before, strict=False)
    ]
    assert all(changed) if finite else not any(changed)


@only("torch")
def test_the_device_path_of_a_step_is_the_same_step(
    make_vae, images, monkeypatch
):
    import torch

    from keras_vae.trainers.torch import TorchTrainer

    class OnDevice:
        """A boolean tensor that says it stands on a GPU."""

        def __init__(self, value):
            self.value = value
            self.device = torch.device("cuda")

        @classmethod
        def __torch_function__(cls, function, types, args=(), kwargs=None):
            args = [a.value if isinstance(a, cls) else a for a in args]
            return function(*args, **(kwargs or {}))

    route = TorchTrainer._apply

    def by_the_device(self, gradients, weights, finite):
        route(self, gradients, weights, OnDevice(finite))

    results = []
    for replace in (False, True):
        if replace:
            monkeypatch.setattr(TorchTrainer, "_apply", by_the_device)
        vae = make_vae()
        vae.compile(keras.optimizers.Adam(0.01))
        huge = np.full(48, np.inf, "float32")
        for weight in (huge, None, huge, None):  # The first step is bad.
            vae.train_on_batch(images, sample_weight=weight)
        results.append([*vae.get_weights(), *vae.optimizer.variables])
    for a, b in zip(*results, strict=True):
        a, b = (np.array(keras.ops.convert_to_numpy(one)) for one in (a, b))
        assert np.isfinite(a).all()
        np.testing.assert_array_equal(a, b)


@only("tensorflow")
def test_several_replicas_are_refused(monkeypatch):
    import tensorflow as tf

    from keras_vae.trainers.tensorflow import _refuse_replicas

    _refuse_replicas()

    class Strategy:
        num_replicas_in_sync = 2

    monkeypatch.setattr(tf.distribute, "get_strategy", Strategy)
    with pytest.raises(NotImplementedError, match="with 2 replicas"):
        _refuse_replicas()


@only("tensorflow")
def test_sparse_gradients_are_checked(make_vae):
    """An Embedding's gradient is no tensor, but an IndexedSlices."""
    layers = keras.layers
    encoder = keras.Sequential(
        [
            keras.Input((5,), dtype="int32"),
            layers.Embedding(2, 3),
            layers.Flatten(),
        ]
    )
    vae = make_vae(event_shape=(5,), encoder=encoder, likelihood="bernoulli")
    vae.compile(keras.optimizers.SGD(0.1))
    x = np.random.default_rng(0).integers(0, 2, (16, 5))
    before = encoder.get_weights()[0]
    vae.fit(x, verbose=0)
    assert (encoder.get_weights()[0] != before).any()
