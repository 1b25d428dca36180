"""The rate of the machine's matrix product on each backend, in float32."""

import time

import numpy as np

from contenders.cases import BATCH_SIZE, HIDDEN_DIM

# (batch x 784) @ (784 x 400), the MLP's largest, and a large square.
SIZES = {
    "small": (BATCH_SIZE, 784, HIDDEN_DIM),
    "large": (1024, 1024, 1024),
}
SECONDS = 0.3  # of products of each size


def make(backend):
    """Returns what measures GFLOP/s by size; it takes no part in training."""
    products = {
        name: multiplication(backend, *sizes) for name, sizes in SIZES.items()
    }

    def run(_):
        return {name: rate(products[name], *SIZES[name]) for name in SIZES}

    return run


def rate(product, rows, inner, columns):
    """Returns GFLOP/s over a block of products."""
    began = now = time.perf_counter()
    done = 0
    while now < began + SECONDS:
        product()
        done += 1
        now = time.perf_counter()
    return 2e-9 * rows * inner * columns * done / (now - began)


def multiplication(backend, rows, inner, columns):
    """Returns a function that multiplies two matrices and waits for it."""
    rng = np.random.default_rng(0)
    a = rng.normal(size=(rows, inner)).astype("float32")
    b = rng.normal(size=(inner, columns)).astype("float32")
    return {"jax": in_jax, "tensorflow": in_tensorflow, "torch": in_torch}[
        backend
    ](a, b)


def in_jax(a, b):
    """Multiplies in JAX."""
    import jax

    a, b = jax.device_put(a), jax.device_put(b)
    product = jax.jit(lambda a, b: a @ b)
    return lambda: product(a, b).block_until_ready()


def in_tensorflow(a, b):
    """Multiplies in TensorFlow."""
    import tensorflow as tf

    a, b = tf.constant(a), tf.constant(b)
    gpu = bool(tf.config.list_physical_devices("GPU"))
    # On a GPU only what is read is known to be done.
    wait = (lambda c: c[0, 0].numpy()) if gpu else (lambda c: c)
    return lambda: wait(tf.linalg.matmul(a, b))


def in_torch(a, b):
    """Multiplies in PyTorch."""
    import torch

    device = "cuda" if torch.cuda.is_available() else "cpu"
    a, b = torch.from_numpy(a).to(device), torch.from_numpy(b).to(device)
    wait = torch.cuda.synchronize if device == "cuda" else (lambda: None)

    def product():
        torch.mm(a, b)
        wait()

    return product
