"""A loop in plain TensorFlow: a compiled epoch that gathers its batches."""

import math

import numpy as np
import tensorflow as tf

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
    one_by_one,
)

PIXELS = math.prod(SHAPE)
STRIDES = (1, STRIDE, STRIDE, 1)
FEW, MANY = FILTERS


class Networks:
    """The encoder and the decoder as functions of their variables."""

    def __init__(self, case):
        self.case = case
        self.rng = np.random.default_rng(0)
        self.variables = []
        square = (KERNEL_SIZE, KERNEL_SIZE)
        if case.name == "mlp":
            self.convolutions, self.transposed = [], []
            self.hidden = self.layer(PIXELS, HIDDEN_DIM)
            self.posterior = self.layer(HIDDEN_DIM, 2 * case.latent_dim)
            self.first = self.layer(case.latent_dim, HIDDEN_DIM)
            self.last = self.layer(HIDDEN_DIM, PIXELS)
            return
        self.convolutions = [
            self.layer(*square, SHAPE[-1], FEW),
            self.layer(*square, FEW, MANY),
        ]
        self.hidden = self.layer(math.prod(SMALL) * MANY, DENSE_DIM)
        self.posterior = self.layer(DENSE_DIM, 2 * case.latent_dim)
        self.first = self.layer(case.latent_dim, math.prod(SMALL) * MANY)
        self.transposed = [
            self.layer(*square, MANY, MANY, transposed=True),
            self.layer(*square, FEW, MANY, transposed=True),
        ]
        self.last = self.layer(FEW, SHAPE[-1])

    def layer(self, *shape, transposed=False):
        """Makes a kernel, Glorot uniform, and a bias."""
        limit = math.sqrt(6.0 / math.prod(shape[:-2]) / sum(shape[-2:]))
        kernel = self.rng.uniform(-limit, limit, shape).astype("float32")
        units = shape[-2 if transposed else -1]
        pair = tf.Variable(kernel), tf.Variable(tf.zeros(units))
        self.variables.extend(pair)
        return pair

    def encode(self, x):
        """Returns the posterior's mean and the logarithm of its scale."""
        if self.convolutions:
            x = tf.reshape(x, (-1, *SHAPE))
            for kernel, bias in self.convolutions:
                x = tf.nn.relu(tf.nn.conv2d(x, kernel, STRIDES, "SAME") + bias)
            x = tf.reshape(x, (BATCH_SIZE, -1))
        hidden = tf.nn.relu(dense(x, self.hidden))
        return tf.split(dense(hidden, self.posterior), 2, axis=-1)

    def decode(self, z):
        """Returns the logits, `(batch, 784)`."""
        hidden = tf.nn.relu(dense(z, self.first))
        size = SMALL[0]
        if self.transposed:
            hidden = tf.reshape(hidden, (-1, size, size, MANY))
        for kernel, bias in self.transposed:
            size *= STRIDE
            shape = (BATCH_SIZE, size, size, kernel.shape[2])
            hidden = tf.nn.conv2d_transpose(
                hidden, kernel, shape, STRIDES, "SAME"
            )
            hidden = tf.nn.relu(hidden + bias)
        hidden = tf.reshape(hidden, (-1, self.last[0].shape[0]))
        return tf.reshape(dense(hidden, self.last), (BATCH_SIZE, -1))


def dense(x, layer):
    """Applies a kernel and a bias."""
    kernel, bias = layer
    return tf.matmul(x, kernel) + bias


def negative_elbo(networks, x):
    """Mean over the batch, in nats."""
    mean, log_scale = networks.encode(x)
    scale = tf.exp(log_scale)
    z = mean + scale * tf.random.normal(tf.shape(mean))
    logits = networks.decode(z)
    cross_entropy = tf.reduce_sum(
        tf.nn.sigmoid_cross_entropy_with_logits(labels=x, logits=logits)
    )
    kl = tf.reduce_sum(
        0.5 * (tf.square(mean) + tf.square(scale) - 1.0) - log_scale
    )
    return (cross_entropy + kl) / BATCH_SIZE


class Adam:
    """Kingma & Ba, 2015, algorithm 1."""

    def __init__(self, variables):
        self.variables = variables
        self.first = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.second = [tf.Variable(tf.zeros_like(v)) for v in variables]
        self.count = tf.Variable(0.0)

    def apply(self, gradients):
        """Updates every variable."""
        step = self.count.assign_add(1.0)
        rate = LEARNING_RATE * tf.sqrt(1.0 - tf.pow(0.999, step))
        rate /= 1.0 - tf.pow(0.9, step)
        for w, g, m, v in zip(
            self.variables, gradients, self.first, self.second, strict=True
        ):
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.999 * v + 0.001 * g * g)
            w.assign_sub(rate * m / (tf.sqrt(v) + 1e-7))


def make(case, x):
    """Returns what trains on the first images of x, and its size."""
    tf.random.set_seed(0)
    networks = Networks(case)
    adam = Adam(networks.variables)
    data = tf.constant(x.reshape(len(x), -1))
    total = tf.Variable(0.0)

    def step(data, rows):
        with tf.GradientTape() as tape:
            loss = negative_elbo(networks, tf.gather(data, rows))
        adam.apply(tape.gradient(loss, networks.variables))
        total.assign_add(loss)

    # XLA makes the MLP twice as fast, and convolutions slower.
    @tf.function(jit_compile=case.name == "mlp")
    def epoch(data, order):
        for index in tf.range(len(order) // BATCH_SIZE):
            step(data, tf.slice(order, [index * BATCH_SIZE], [BATCH_SIZE]))

    def run(num_images):
        total.assign(0.0)
        epoch(data, tf.random.shuffle(tf.range(num_images)))
        return float(total) * BATCH_SIZE / num_images

    return one_by_one(run), sum(math.prod(v.shape) for v in networks.variables)
