"""Closed forms of KL(q || p), by the classes of q and p."""

from collections.abc import Callable

from keras_vae.distributions.distribution import Distribution
from keras_vae.types import Tensor

_KLFunction = Callable[[Distribution, Distribution], Tensor]
_CLOSED_FORMS: dict[tuple[type, type], _KLFunction] = {}


def register_kl(q_class: type, p_class: type) -> Callable:
    """Registers a closed form of KL(q || p) for two classes.

    Args:
        q_class: Class of q, the first argument.
        p_class: Class of p, the second argument.

    Raises:
        ValueError: if a closed form stands there already.

    Example:
    >>> @keras_vae.distributions.register_kl(MyNormal, MyNormal)
    ... def kl_my_normal(q, p):
    ...     return keras.ops.zeros(q.batch_shape)
    """

    def register(function: _KLFunction) -> _KLFunction:
        key = (q_class, p_class)
        if key in _CLOSED_FORMS:
            raise ValueError(
                "`register_kl` must be given a pair of classes without a "
                f"closed form. Received: ({q_class.__name__}, "
                f"{p_class.__name__}), registered already by "
                f"`{_CLOSED_FORMS[key].__name__}`. Register a subclass."
            )
        _CLOSED_FORMS[key] = function
        return function

    return register


def closed_form_kl(q: Distribution, p: Distribution) -> _KLFunction | None:
    """Returns the closed form for q and p, the nearest base classes first."""
    pairs = [
        (q_depth + p_depth, (q_class, p_class))
        for q_depth, q_class in enumerate(type(q).__mro__)
        for p_depth, p_class in enumerate(type(p).__mro__)
        if (q_class, p_class) in _CLOSED_FORMS
    ]
    if not pairs:
        return None
    return _CLOSED_FORMS[min(pairs, key=lambda pair: pair[0])[1]]


def kl_divergence(q: Distribution, p: Distribution) -> Tensor:
    """KL(q || p) in nats by its closed form.

    Args:
        q: Distribution.
        p: Distribution whose batch shape broadcasts with that of `q`.

    Returns:
        Tensor of shape `batch_shape`, at least 0.

    Raises:
        NotImplementedError: if no closed form is registered for the two
            classes; nothing falls back to Monte Carlo in silence.
    """
    function = closed_form_kl(q, p)
    if function is None:
        raise NotImplementedError(
            "`kl_divergence` must be given a pair with a registered closed "
            f"form. Received: ({type(q).__name__}, {type(p).__name__}). "
            'Estimate it by sampling with `objectives.ELBO(kl="monte_carlo")`,'
            " or register a closed form with "
            "`keras_vae.distributions.register_kl`."
        )
    return function(q, p)
