"""What `import keras_vae` offers, and how it is documented."""

import dataclasses
import importlib
import inspect
import pkgutil
import re

import keras
import pytest

import keras_vae
from keras_vae.distributions import Distribution
from keras_vae.registry import Registry

PACKAGES = (
    "keras_vae",
    "keras_vae.distributions",
    "keras_vae.evaluation",
    "keras_vae.layers",
    "keras_vae.likelihoods",
    "keras_vae.models",
    "keras_vae.networks",
    "keras_vae.objectives",
    "keras_vae.objectives.schedules",
    "keras_vae.posteriors",
    "keras_vae.priors",
    "keras_vae.random",
    "keras_vae.testing",
    "keras_vae.trainers",
)


def public(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_")
            and getattr(value, "__module__", None) == package
        ]
    return {name: getattr(module, name) for name in names}


CLASSES = {
    f"{value.__module__}.{value.__name__}": value
    for package in PACKAGES
    for value in public(package).values()
    if inspect.isclass(value)
}
FUNCTIONS = {
    f"{value.__module__}.{value.__name__}": value
    for package in PACKAGES
    for value in public(package).values()
    if inspect.isfunction(value)
}


def parameters(value):
    """The parameters that its docstring must describe."""
    signature = inspect.signature(value)
    kinds = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        name
        for name, one in signature.parameters.items()
        if one.kind not in kinds
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_importable(package):
    module = importlib.import_module(package)
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None


def is_part(cls):
    name = keras.saving.get_registered_name(cls)
    leaf = issubclass(cls, Distribution) and not cls.__subclasses__()
    return leaf or name.startswith("keras_vae")


@pytest.mark.parametrize("package", [p for p in PACKAGES if p.count(".") == 1])
def test_all_is_complete(package):
    """Every public class of a package's files stands in its `__all__`."""
    module = importlib.import_module(package)
    if not hasattr(module, "__path__"):
        return
    found = set()
    for info in pkgutil.iter_modules(module.__path__):
        part = importlib.import_module(f"{package}.{info.name}")
        found |= {
            name
            for name, value in vars(part).items()
            if inspect.isclass(value)
            and value.__module__ == part.__name__
            and not name.startswith("_")
            and is_part(value)
        }
    missing = found - set(module.__all__)
    if package == "keras_vae.objectives":
        missing -= set(public("keras_vae.objectives.schedules"))
    assert not missing


def test_lazy_parts_are_offered():
    assert keras_vae.testing.run_vae_test
    assert re.match(r"\d+\.\d+\.\d+", keras_vae.__version__)
    for name in keras_vae.__all__:
        assert name in dir(keras_vae) or name in keras_vae._LAZY
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        keras_vae.nothing  # noqa: B018


@pytest.mark.parametrize("name", CLASSES)
def test_classes_are_documented(name):
    cls = CLASSES[name]
    doc = inspect.getdoc(cls)
    assert doc and (doc[0].isupper() or doc[0] in "`(" or doc[1] == "(")
    assert "__init__" not in vars(cls) or not vars(cls)["__init__"].__doc__
    owner = next(one for one in cls.__mro__ if "__init__" in vars(one))
    inherited = not owner.__module__.startswith("keras_vae")
    if inherited or dataclasses.is_dataclass(cls) or owner is Registry:
        return
    described = parameters(cls)
    assert not described or "Args:" in doc, "It has arguments and no `Args:`."
    for parameter in described:
        assert re.search(rf"^\s+`?{parameter}`?:", doc, re.MULTILINE), (
            f"`Args:` must describe `{parameter}`."
        )


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, cls in CLASSES.items()
        if issubclass(cls, keras.layers.Layer)
        and keras.saving.get_registered_name(cls).startswith("keras_vae")
    ],
)
def test_layers_tell_their_shapes(name):
    doc = inspect.getdoc(CLASSES[name])
    assert "Output shape:" in doc
    assert "Input shape:" in doc or "Call arguments:" in doc


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_documented(name):
    function = FUNCTIONS[name]
    doc = inspect.getdoc(function)
    assert doc, "It needs a docstring."
    for parameter in parameters(function):
        assert f"`{parameter}`" in doc or re.search(
            rf"^\s+{parameter}:", doc, re.MULTILINE
        ), f"The docstring must speak of `{parameter}`."


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, cls in CLASSES.items()
        if "ValueError" in inspect.getsource(cls)
    ],
)
def test_errors_are_documented(name):
    """A class whose source raises says so where its reader looks."""
    source = inspect.getsource(CLASSES[name])
    raised = set(re.findall(r"raise (\w+)\(", source))
    for error in raised - {"NotImplementedError"}:
        assert re.search(rf"Raises:(.|\n)*{error}", source)


@pytest.mark.once
def test_only_registered_classes_are_saved():
    """Every layer of the package can be found again by its name."""
    for name, cls in CLASSES.items():
        if issubclass(cls, keras.layers.Layer) and "get_config" in vars(cls):
            registered = keras.saving.get_registered_name(cls)
            assert registered.startswith("keras_vae") or (
                cls is keras_vae.posteriors.Posterior
            ), name
