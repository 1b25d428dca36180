"""What every contender trains: the architectures, and what they cost."""

import math
import statistics
from typing import NamedTuple

BATCH_SIZE = 128
LEARNING_RATE = 1e-3
SHAPE = (28, 28, 1)
HIDDEN_DIM = 400  # of the MLP, on both sides
FILTERS = (32, 64)  # of the encoder; the decoder has them reversed
KERNEL_SIZE = 3
STRIDE = 2
DENSE_DIM = 16  # after the encoder's convolutions
SMALL = (7, 7)  # the images' size after them


class Layer(NamedTuple):
    """A layer with weights."""

    products: int  # multiplications of one image's forward pass
    parameters: int


def dense(inputs, outputs):
    """A matrix product with a bias."""
    return Layer(inputs * outputs, (inputs + 1) * outputs)


def convolution(positions, inputs, outputs, size=KERNEL_SIZE):
    """A convolution of `positions` kernels; transposed, it is alike.

    `positions` are the places where the kernel is applied: the pixels that
    come out, or the pixels that go in where it is transposed.
    """
    area = size * size
    return Layer(
        positions * area * inputs * outputs, (area * inputs + 1) * outputs
    )


def _mlp(latent_dim):
    pixels = math.prod(SHAPE)
    return (
        dense(pixels, HIDDEN_DIM),
        dense(HIDDEN_DIM, 2 * latent_dim),
        dense(latent_dim, HIDDEN_DIM),
        dense(HIDDEN_DIM, pixels),
    )


def _conv(latent_dim):
    few, many = FILTERS
    pixels = math.prod(SHAPE)
    half, quarter = pixels // STRIDE**2, pixels // STRIDE**4
    return (
        convolution(half, 1, few),
        convolution(quarter, few, many),
        dense(quarter * many, DENSE_DIM),
        dense(DENSE_DIM, 2 * latent_dim),
        dense(latent_dim, quarter * many),
        convolution(quarter, many, many),
        convolution(half, many, few),
        convolution(pixels, few, 1, size=1),
    )


class Case(NamedTuple):
    """An architecture, and how many images of a round train it."""

    name: str
    latent_dim: int
    layers: tuple[Layer, ...]
    epoch_images: int  # a multiple of BATCH_SIZE: no batch is cut short
    epochs: int  # of a turn

    @property
    def images(self):
        """How many images a turn trains on, each as often as it is seen."""
        return self.epochs * self.epoch_images

    def epochs_of(self, num_images):
        """Returns `(images, epochs)` for a turn that trains so many.

        What `fit` does once, checking the data and keeping them on the device,
        is shared by several epochs, as it is in any real training.
        """
        epochs = max(1, num_images // self.epoch_images)
        return num_images // epochs, epochs

    @property
    def num_parameters(self):
        """Number of weights and biases."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def flops(self):
        """Floating point operations that training on one image takes.

        The matrix products forward, and backward to each layer's weights and
        to its input; no one needs the gradient of the first layer's input.
        """
        products = [layer.products for layer in self.layers]
        return 2 * (3 * sum(products) - products[0])


def one_by_one(epoch):
    """Makes what trains several epochs, of a loop that trains one."""

    def run(num_images, epochs):
        return statistics.fmean(epoch(num_images) for _ in range(epochs))

    return run


CASES = {
    case.name: case
    for case in (
        Case("mlp", 20, _mlp(20), epoch_images=468 * BATCH_SIZE, epochs=10),
        Case("conv", 2, _conv(2), epoch_images=20 * BATCH_SIZE, epochs=3),
    )
}
