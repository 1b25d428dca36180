"""Training that gives the same weights, bit for bit, each time."""

import keras

from keras_vae.validation import backend_seed


def enable_determinism(seed: int) -> None:
    """Makes training give the same weights, bit for bit, each time.

    It sets the seeds of Python, NumPy, Keras and the backend, and has the
    backend use deterministic algorithms only: on TensorFlow by
    `tf.config.experimental.enable_op_determinism`, on PyTorch by
    `torch.use_deterministic_algorithms` and `CUBLAS_WORKSPACE_CONFIG`, on
    JAX by `--xla_gpu_deterministic_ops` in `XLA_FLAGS`. Call it first of
    all, before anything is built or computed; it lasts as long as the
    process, which XLA and PyTorch let nobody undo.

    The weights are then a function of the program, the data and the seed on
    one machine, one backend, the same versions of it, of Keras and of the
    drivers, and the same number of threads (`OMP_NUM_THREADS`, the CPUs that
    a container is given). They differ across machines, kinds of processor,
    numbers of threads, versions and backends, for sums are rounded in
    another order there. An order of batches that a program of your own
    leaves to chance, as a reader with several workers may, stays so.

    On a CPU it costs next to nothing. On a GPU, operations without a
    deterministic algorithm raise an error of the backend; others are slower.

    Args:
        seed: Integer from 0 to 2^31 - 1. Networks and VAEs that are built
            with `seed=None` draw theirs from it.

    Raises:
        TypeError: if `seed` is no integer.
        ValueError: if `seed` is out of its range.
        RuntimeError: if it comes too late: JAX or PyTorch has used a GPU.

    Example:
    >>> keras_vae.enable_determinism(seed=0)
    """
    seed = backend_seed(seed)
    _enable_on_the_backend()
    keras.utils.set_random_seed(seed)


def _enable_on_the_backend() -> None:
    backend = keras.backend.backend()
    if backend == "tensorflow":
        from keras_vae.trainers import tensorflow_determinism

        tensorflow_determinism.enable()
    elif backend == "jax":
        from keras_vae.trainers import jax_determinism

        jax_determinism.enable()
    else:
        from keras_vae.trainers import torch_determinism

        torch_determinism.enable()


def too_late(backend: str, variable: str, value: str) -> RuntimeError:
    """Returns the error for a GPU that was set up without determinism.

    Args:
        backend: The backend, as people call it.
        variable: The environment variable that it read by then.
        value: What should have stood there.
    """
    return RuntimeError(
        "`enable_determinism` must be called before anything runs on a GPU. "
        f"Received: a call after {backend} had set up its GPU. Move "
        "`keras_vae.enable_determinism(seed)` to the program's first lines, "
        f"or set {variable}={value} before Python starts."
    )
