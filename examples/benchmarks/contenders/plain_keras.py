"""Plain Keras: a subclassed model as keras.io has it, on any backend."""

import statistics

import keras
from keras import layers, ops

from contenders.cases import (
    BATCH_SIZE,
    DENSE_DIM,
    FILTERS,
    HIDDEN_DIM,
    KERNEL_SIZE,
    LEARNING_RATE,
    SHAPE,
    SMALL,
    STRIDE,
)


class Sampling(layers.Layer):
    """Draws z from its mean and the logarithm of its variance."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.seed_generator = keras.random.SeedGenerator(0)

    def call(self, mean, log_var):
        """Returns z, of the mean's shape."""
        noise = keras.random.normal(ops.shape(mean), seed=self.seed_generator)
        return mean + ops.exp(0.5 * log_var) * noise


class PlainVAE(keras.Model):
    """The VAE; its loss is what `compute_loss` makes of its output."""

    def __init__(self, encoder, decoder, **kwargs):
        super().__init__(**kwargs)
        self.encoder = encoder
        self.decoder = decoder
        self.sampling = Sampling()

    def call(self, x):
        """Returns the logits of the reconstruction and the posterior."""
        mean, log_var = self.encoder(x)
        return self.decoder(self.sampling(mean, log_var)), mean, log_var

    def compute_loss(
        self, x=None, y=None, y_pred=None, sample_weight=None, training=True
    ):
        """Returns the negative ELBO."""
        logits, mean, log_var = y_pred
        cross_entropy = keras.losses.binary_crossentropy(
            ops.reshape(x, (-1, 784)),
            ops.reshape(logits, (-1, 784)),
            from_logits=True,
        )
        kl = 0.5 * ops.sum(
            ops.square(mean) + ops.exp(log_var) - log_var - 1.0, axis=-1
        )
        return ops.mean(784 * cross_entropy + kl)


def networks(case):
    """Returns the encoder and the decoder."""
    x = keras.Input(SHAPE)
    z = keras.Input((case.latent_dim,))
    if case.name == "mlp":
        hidden = layers.Flatten()(x)
        hidden = layers.Dense(HIDDEN_DIM, activation="relu")(hidden)
        logits = layers.Dense(HIDDEN_DIM, activation="relu")(z)
        logits = layers.Reshape(SHAPE)(layers.Dense(784)(logits))
    else:
        hidden, logits = x, _small_images(z)
        for filters in FILTERS:
            hidden = _conv(layers.Conv2D, filters)(hidden)
        hidden = layers.Flatten()(hidden)
        hidden = layers.Dense(DENSE_DIM, activation="relu")(hidden)
        for filters in FILTERS[::-1]:
            logits = _conv(layers.Conv2DTranspose, filters)(logits)
        logits = layers.Conv2D(1, 1)(logits)
    mean = layers.Dense(case.latent_dim)(hidden)
    log_var = layers.Dense(case.latent_dim)(hidden)
    return keras.Model(x, [mean, log_var]), keras.Model(z, logits)


def _small_images(z):
    shape = (*SMALL, FILTERS[-1])
    dense = layers.Dense(SMALL[0] * SMALL[1] * FILTERS[-1], activation="relu")
    return layers.Reshape(shape)(dense(z))


def _conv(layer, filters):
    return layer(
        filters,
        KERNEL_SIZE,
        strides=STRIDE,
        padding="same",
        activation="relu",
    )


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    vae = PlainVAE(*networks(case))
    vae.compile(keras.optimizers.Adam(LEARNING_RATE))

    def run(num_images, epochs):
        history = vae.fit(
            x[:num_images], batch_size=BATCH_SIZE, epochs=epochs, verbose=0
        )
        return statistics.fmean(history.history["loss"])

    parts = (vae.encoder, vae.decoder)
    return run, sum(part.count_params() for part in parts)
