import keras
import pytest

from keras_vae_export import ExportError, custom_classes

SOURCE = """
import keras

@keras.saving.register_keras_serializable(package="{name}")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return 2 * x

@keras.saving.register_keras_serializable(package="{name}")
def halved(x):
    return x / 2
"""


@pytest.fixture
def user_module(import_file):
    def make(name):
        return import_file(name, SOURCE.format(name=name))

    return make


def test_none(make_kind):
    assert custom_classes.modules_of(make_kind("conv_bernoulli")) == ()


def test_classes_and_functions_of_a_user(make_kind, user_module):
    first, second = user_module("user_layers_a"), user_module("user_layers_b")
    z = keras.Input((3,))
    h = keras.layers.Dense(4, activation=second.halved)(first.Doubled()(z))
    vae = make_kind(decoder=keras.Model(z, h))
    found = custom_classes.modules_of(vae)
    assert found == ("user_layers_a", "user_layers_b")


def test_a_class_of_the_script(make_kind, user_module, monkeypatch):
    layer = user_module("user_layers_c").Doubled
    monkeypatch.setattr(layer, "__module__", "__main__")
    z = keras.Input((3,))
    vae = make_kind(decoder=keras.Model(z, layer()(z)))
    message = "`user_layers_c>Doubled` is defined in `__main__`.* Move it"
    with pytest.raises(ExportError, match=message):
        custom_classes.modules_of(vae)
