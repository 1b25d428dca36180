import json
import sys
import types

import keras
import pytest

from keras_vae_export import archive_config

pytestmark = pytest.mark.once

STRANGE = {"class_name": "Thing", "module": "a.b", "config": {}}


def check(config, compiled=False):
    archive_config.check(json.dumps(config).encode(), compiled=compiled)


@keras.saving.register_keras_serializable(package="test_archive_config")
class Own(keras.layers.Layer):
    pass


@keras.saving.register_keras_serializable(package="test_archive_config")
def own(x):
    return x


@pytest.mark.parametrize(
    "value",
    [
        keras.layers.Dense(2, activation="tanh"),
        keras.layers.Dense(2, activation=keras.ops.sin),
        keras.layers.Dense(2, activation=own),
        keras.layers.Dense(2, kernel_regularizer="l2"),
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(1, 2)),
        keras.random.SeedGenerator(1),
        Own(),
    ],
)
def test_what_may_be_loaded(value):
    check({"a": [keras.saving.serialize_keras_object(value)]})


def test_what_is_registered_may_come_from_anywhere():
    # Its class may have moved since the model was saved.
    check({**STRANGE, "registered_name": "test_archive_config>Own"})


def test_a_package_that_keras_would_import(monkeypatch):
    config = {**STRANGE, "module": "keras_hub.layers"}
    with pytest.raises(ValueError, match="the class 'Thing' of the module"):
        check(config)
    hub = types.ModuleType("keras_hub")
    monkeypatch.setitem(sys.modules, "keras_hub", hub)
    check(config)


def test_what_it_was_compiled_with_counts_where_it_is_loaded():
    config = {"compile_config": {"loss": STRANGE}}
    check(config)
    with pytest.raises(ValueError, match="the class 'Thing' of the module"):
        check(config, compiled=True)


def test_a_function_of_no_name():
    with pytest.raises(ValueError, match="the function .'a'. of the module"):
        check({"class_name": "function", "module": "a", "config": ["a"]})
