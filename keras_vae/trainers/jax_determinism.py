"""Deterministic algorithms on JAX."""

import os

import jax

from keras_vae.trainers.determinism import too_late

_VARIABLE = "XLA_FLAGS"
_FLAG = "--xla_gpu_deterministic_ops=true"


def enable() -> None:
    """Has XLA use deterministic algorithms alone, and time none of them.

    It matters on a GPU; on a CPU, XLA is deterministic as it is. XLA reads
    its flags once, when JAX sets up its devices.

    Raises:
        RuntimeError: if JAX has set up a GPU without the flag.
    """
    flags = os.environ.get(_VARIABLE, "").split()
    if _FLAG in flags:
        return
    if has_devices() and jax.default_backend() != "cpu":
        raise too_late("JAX", _VARIABLE, _FLAG)
    # Of two values of one flag the last one holds.
    os.environ[_VARIABLE] = " ".join([*flags, _FLAG])


def has_devices() -> bool:
    """Whether JAX has set up its devices; asking does not make it do so.

    There is no question for it, but a setting that may not change after.
    """
    name = "jax_num_cpu_devices"
    try:
        before = getattr(jax.config, name)
        jax.config.update(name, before + 2)  # -1 stands for the default.
    except RuntimeError:
        return True
    except AttributeError:  # JAX before 0.5 has no such setting.
        return False
    jax.config.update(name, before)
    return False
