import sys

import keras
import pytest

from keras_vae import cli
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


@pytest.mark.once
def test_a_file_does_not_choose_what_is_imported(
    make_kind, user_module, tmp_path, capsys
):
    name = "user_layers_g"
    z = keras.Input((3,))
    h = keras.layers.Dense(4)(user_module(name).Doubled()(z))
    make_kind(decoder=keras.Model(z, h)).save(tmp_path / "model.keras")
    # As in a process that has never imported it, where it could be.
    del sys.modules[name]
    for one in ("Doubled", "halved"):
        del keras.saving.get_custom_objects()[f"{name}>{one}"]
    command = ["export", str(tmp_path / "model.keras"), "--format=onnx"]
    command += ["--name=own", f"--out={tmp_path / 'models'}"]
    assert cli.main(command) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert f"the class 'Doubled' of the module '{name}'" in told
    assert "register_keras_serializable()" in told
    assert "`--import my.module`" in told
    assert name not in sys.modules
    assert not (tmp_path / "models").exists()
    assert cli.main([*command, f"--import={name}"]) == 0
    assert (tmp_path / "models/own/1/onnx/decode.onnx").is_file()
