"""Deterministic algorithms on PyTorch."""

import os

import torch

from keras_vae.trainers.determinism import too_late

_VARIABLE = "CUBLAS_WORKSPACE_CONFIG"
_VALUE = ":4096:8"


def enable() -> None:
    """Has PyTorch use deterministic algorithms alone, and time none of them.

    cuBLAS adds up in a fixed order only in workspaces of a fixed size, which
    are read from the environment when it starts.

    Raises:
        RuntimeError: if PyTorch has set up a GPU without them.
    """
    if _VARIABLE not in os.environ:
        if torch.cuda.is_initialized():
            raise too_late("PyTorch", _VARIABLE, _VALUE)
        os.environ[_VARIABLE] = _VALUE
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
