"""What the worker processes run: `workers("jax").call("...:elbo_terms")`.

Each task returns a dictionary of arrays and of values that JSON holds.
"""

import functools
import sys

import keras
import numpy as np

import keras_vae
from keras_vae import likelihoods, objectives, testing

OPTIMIZERS = {
    # A power of two, so large that the rounding of the weights vanishes
    # beside the step: what a step moves is then the gradient.
    "gradient": lambda: keras.optimizers.SGD(2.0**10),
    "adam": lambda: keras.optimizers.Adam(0.01),
    "sgd": lambda: keras.optimizers.SGD(0.01, momentum=0.9),
}


def versions():
    """The backend, the packages that are loaded, and Keras's version."""
    loaded = [
        name for name in ("tensorflow", "jax", "torch") if name in sys.modules
    ]
    return {
        "backend": keras.backend.backend(),
        "keras": keras.__version__,
        "loaded": loaded,
    }


def echo(**values):
    """Returns what it was given, printing something on its way."""
    print("This goes to the log, not among the answers.")
    return values


def fail(message):
    """Fails."""
    raise ValueError(message)


def wait(seconds):
    """Takes its time."""
    import time

    time.sleep(seconds)
    return {}


def build(kind):
    """Builds the VAE that every backend builds alike, but for its weights."""
    keras.utils.set_random_seed(0)
    dense = functools.partial(keras.layers.Dense, activation="tanh")
    encoder_layers = [keras.layers.Flatten(), dense(12), dense(8)]
    decoder_layers = [dense(8), dense(12)]
    likelihood, event_shape = likelihoods.Bernoulli(), (4, 4, 1)
    if kind == "normal":
        likelihood, event_shape = likelihoods.Normal("predicted"), (6,)
    if kind == "conv":
        encoder_layers = [
            # No bias: batch normalisation would make its gradient zero, and
            # what is left of it is rounding, which no two backends share.
            keras.layers.Conv2D(
                4, 3, strides=2, padding="same", use_bias=False
            ),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("relu"),
        ]
        decoder_layers = [
            dense(16),
            keras.layers.Reshape((2, 2, 4)),
            keras.layers.Conv2DTranspose(4, 3, strides=2, padding="same"),
        ]
    return keras_vae.VAE(
        keras.Sequential([keras.Input(event_shape), *encoder_layers]),
        keras.Sequential([keras.Input((3,)), *decoder_layers]),
        likelihood=likelihood,
        objective=objectives.ELBO(kl_weight=0.5, num_samples=2),
        seed=0,
    )


def built(kind, weights):
    """Builds a VAE and gives it weights."""
    vae = build(kind)
    if weights is not None:
        vae.set_weights(weights)
    return vae


def numpy(tensor):
    return np.array(keras.ops.convert_to_numpy(tensor))


def initial_weights(kind):
    """The weights that the other backends are given."""
    return {"weights": build(kind).get_weights()}


def elbo_terms(kind, weights, x, seed=0, num_samples=3):
    """The ELBO's terms, marginal likelihood and images of given weights."""
    vae = built(kind, weights)
    terms = vae.compute_elbo(x, num_samples=num_samples, seed=seed)
    images, latents = vae.generate(4, seed=seed, return_latents=True)
    return {
        **{name: numpy(term) for name, term in terms._asdict().items()},
        "log_marginal": vae.marginal_log_likelihood(x, 20, seed=seed),
        "reconstruction": numpy(vae(x)),
        "images": images,
        "latents": latents,
    }


def use_noise(vae, noise):
    """Makes training take its standard normals from an array.

    Training draws from each backend's own generator, which no two backends
    share, so here the layer that draws is told what to draw: sample s of
    example n takes `noise[s, n]`.
    """
    normals = keras.ops.convert_to_tensor(noise)
    vae.sampling.sample = lambda distribution, num_samples: (
        distribution.from_noise(normals[:num_samples])
    )
    vae.sampling.sample_with_log_prob = lambda distribution, num_samples: (
        distribution.from_noise_with_log_prob(normals[:num_samples])
    )


def train_steps(kind, weights, x, noise, optimizer, steps=1, weight=None):
    """What `train_on_batch` makes of given weights with given noise."""
    vae = built(kind, weights)
    use_noise(vae, noise)
    vae.compile(OPTIMIZERS[optimizer]())
    logs = {}
    for _ in range(steps):
        logs = vae.train_on_batch(x, sample_weight=weight, return_dict=True)
    return {
        "logs": {name: float(value) for name, value in logs.items()},
        "trainable": [numpy(v) for v in vae.trainable_weights],
        "all": vae.get_weights(),
    }


def save(kind, path, x, weights=None):
    """Trains a VAE a little, saves it, and tells what it answers."""
    vae = built(kind, weights)
    vae.compile(keras.optimizers.Adam(0.01), steps_per_execution=2)
    vae.fit(x, batch_size=16, epochs=1, verbose=0)
    vae.save(path)
    return answers(vae, x)


def load(path, x, train=False):
    """Loads a VAE and tells what it answers; `train` trains it on."""
    vae = keras.saving.load_model(path)
    result = answers(vae, x)
    if train:
        history = vae.fit(x, batch_size=16, epochs=1, verbose=0).history
        result["history"] = {
            k: [float(a) for a in v] for k, v in history.items()
        }
    return result


def saved_answers(path, x):
    """What `keras_vae.testing.check_save_and_load` asks for."""
    return testing.saving.saved_answers(keras.saving.load_model(path), x)


def answers(vae, x):
    """What a saved VAE must answer wherever it is loaded."""
    terms = vae.compute_elbo(x, seed=3)
    return {
        "reconstruction": numpy(vae(x)),
        "elbo": numpy(terms.elbo),
        "images": vae.generate(3, seed=5),
        "predicted": vae.predict(x, verbose=0),
        "generated": vae.generator.predict(
            np.ones((2, vae.latent_dim), "float32"), verbose=0
        ),
        "training_step": int(numpy(vae.training_step)),
        "compile_config": vae.get_compile_config(),
        "optimizer": [numpy(v) for v in vae.optimizer.variables],
    }
