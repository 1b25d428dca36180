"""The contenders of the training benchmark, one module each.

A module imports its library at the top and has `make(case, x)`, which returns
`(run, num_parameters)`; `run(num_images, epochs)` trains on the first images of
x, waits for its end and returns the mean loss in nats per image. The last batch
of an epoch is never cut short.
"""

import importlib
from typing import NamedTuple

BACKENDS = ("tensorflow", "jax", "torch")


class Contender(NamedTuple):
    """Where a contender is made."""

    title: str
    modules: dict[str, str]  # module:function by backend
    peer: bool = False  # whether it is installed apart


def _on_all(place):
    return dict.fromkeys(BACKENDS, place)


CONTENDERS = {
    "ours": Contender("keras_vae `fit`", _on_all("ours:make")),
    "plain": Contender(
        "keras_vae `fit`, plain path", _on_all("ours:make_plain")
    ),
    "keras": Contender("plain Keras `fit`", _on_all("plain_keras:make")),
    "hand": Contender(
        "hand-written loop",
        {backend: f"hand_{backend}:make" for backend in BACKENDS},
    ),
    "pythae": Contender("pythae", {"torch": "peer_pythae:make"}, peer=True),
    "pyro": Contender("Pyro", {"torch": "peer_pyro:make"}, peer=True),
    "numpyro": Contender("NumPyro", {"jax": "peer_numpyro:make"}, peer=True),
    "iwae": Contender("IWAE", _on_all("ours:make_iwae")),
    "matmul": Contender("matrix product", _on_all("matmul:make")),
    "marginal": Contender("`marginal_log_likelihood`", _on_all("ours:score")),
    "nll": Contender("`get_nll`", {"torch": "peer_pythae:score"}, peer=True),
}


def load(name, backend):
    """Imports a contender; returns its function."""
    module, _, function = CONTENDERS[name].modules[backend].partition(":")
    return getattr(importlib.import_module(f"contenders.{module}"), function)
