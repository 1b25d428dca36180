"""Does `get_config` hold every argument, and `from_config` undo it?"""

import inspect
import json
from typing import Any

import numpy as np

from keras_vae.models import VAE
from keras_vae.testing.failures import check, check_close, check_equal
from keras_vae.testing.inputs import call_inputs, given

_PARTS = ("posterior", "prior", "likelihood", "objective", "sampling")
_PLAIN = (bool, int, float, str, type(None))


def check_config_round_trip(
    vae: VAE, x: np.ndarray, condition: np.ndarray | None = None
) -> None:
    """Checks that a VAE and its parts are rebuilt from their configurations.

    Every parameter of every constructor stands in `get_config` with its
    value, `from_config(get_config())` has the same configuration, and with
    the weights copied it gives the same reconstructions and ELBO.

    Args:
        vae: VAE.
        x: Array `(batch, *event_shape)`.
        condition: A `ConditionalVAE`'s labels or vectors, one an example.

    Raises:
        AssertionError: naming the class and the argument that was lost.
    """
    for part in (getattr(vae, name) for name in _PARTS):
        check_arguments(part)
        _rebuilt(part)
    check_arguments(vae)
    other = _rebuilt(vae)
    other.set_weights(vae.get_weights())
    inputs, also = call_inputs(x, condition), given(condition)
    check_close("The rebuilt VAE's reconstruction", other(inputs), vae(inputs))
    check_close(
        "The rebuilt VAE's ELBO",
        other.compute_elbo(x, seed=0, **also).elbo,
        vae.compute_elbo(x, seed=0, **also).elbo,
        relative=1e-6,
    )


def check_arguments(instance: Any) -> None:
    """Checks that `get_config` holds every argument of the constructor.

    Args:
        instance: Anything with a `get_config`.

    Raises:
        AssertionError: naming the argument.
    """
    cls, config = type(instance), instance.get_config()
    for name, parameter in inspect.signature(cls).parameters.items():
        if parameter.kind in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL):
            continue
        check(
            name in config,
            f"`{cls.__name__}.get_config()` must hold every argument of the "
            f"constructor. Received: {sorted(config)}, without {name!r}.",
        )
        value = getattr(instance, name, config[name])
        if isinstance(value, _PLAIN):
            check_equal(
                f"`{cls.__name__}.get_config()[{name!r}]`", config[name], value
            )


def _rebuilt(instance: Any) -> Any:
    config = instance.get_config()
    other = type(instance).from_config(config)
    name = f"`{type(instance).__name__}.from_config(get_config())`"
    check_equal(
        f"The configuration of {name}",
        _as_json(other.get_config()),
        _as_json(config),
    )
    return other


def _as_json(config: dict[str, Any]) -> str:
    return json.dumps(config, sort_keys=True)
