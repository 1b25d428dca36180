"""Parts by name."""

import keras
import pytest

from keras_vae import likelihoods, objectives, posteriors, priors
from keras_vae.registry import Registry

REGISTRIES = {
    "posterior": (posteriors.registry, posteriors.Posterior),
    "prior": (priors.registry, priors.Prior),
    "likelihood": (likelihoods.registry, likelihoods.Likelihood),
    "objective": (objectives.registry, objectives.Objective),
}
every_kind = pytest.mark.parametrize("kind", REGISTRIES)


@every_kind
def test_every_part_is_registered_with_keras_too(kind):
    """Under names of its own: a `Normal` is a likelihood and a prior."""
    registry, base = REGISTRIES[kind]
    assert registry.kind == kind
    assert registry.classes
    for name, cls in registry.classes.items():
        assert issubclass(cls, base)
        assert name == name.lower()
        registered = keras.saving.get_registered_name(cls)
        assert registered.startswith("keras_vae")
        assert registered.endswith(f">{cls.__name__}")
        assert keras.saving.get_registered_object(registered) is cls


@every_kind
def test_unknown_names_are_answered_with_the_nearest(kind):
    registry, base = REGISTRIES[kind]
    name = max(registry.classes)
    message = (
        rf"`{kind}` must be one of \[.*'{name}'.*\] or an object. Received: "
        rf"{kind}='{name}x'. Pass e.g. `{kind}='{name}'`"
    )
    with pytest.raises(ValueError, match=message):
        registry.get(f"{name}x", base)


@every_kind
@pytest.mark.parametrize("value", [None, 3, object])
def test_other_types_are_errors(kind, value):
    registry, base = REGISTRIES[kind]
    message = rf"`{kind}` must be a.* Received: {kind}=.* of type"
    with pytest.raises(TypeError, match=message):
        registry.get(value, base)


def test_defaults_are_given_to_those_that_take_them():
    registry = Registry("thing")

    @registry.register("sized")
    class Sized:
        def __init__(self, size=1):
            self.size = size

        def get_config(self):
            return {"size": self.size}

    @registry.register("plain")
    class Plain:
        def get_config(self):
            return {}

    assert registry.get("sized", Sized, size=4).size == 4
    assert isinstance(registry.get("plain", Plain, size=4), Plain)
    made = Sized(2)
    assert registry.get(made, Sized, size=4) is made
