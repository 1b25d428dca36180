"""A `.keras` file of a stranger's: refused, nothing run, nothing written."""

import os
import re
import shutil
import signal
import sys
import tempfile

import keras
import pytest

import keras_vae_export
from keras_vae import cli
from keras_vae_export import ExportError
from tests.keras_vae_export import hostile

STRANGER = """
import pathlib
pathlib.Path({canary!r}).write_text("imported")
"""
OWN = """
import pathlib
import keras

@keras.saving.register_keras_serializable(package="own_layers")
def sing(*args, **kwargs):
    pathlib.Path({canary!r}).write_text("sung")
"""
UNKNOWN = "must be Keras's own, or registered by an import. Received: the "
OUTSIDE = "must lie within it. Received: an entry that is named "
PLAIN = "must be plain files. Received: 'assets/link', a link or a device"
SIZE = "must be of the size that its bytes can give. Received: "
ONE = "must hold one "
WHOLE = "must be a zip archive that is whole. Received: "
ELSEWHERE = "must lie in the file itself. Received: "
CODE = "must be made of layers that hold no code. Received: a "
ARCHIVES = {
    "parent": (hostile.named("../escaped"), OUTSIDE + "'../escaped'"),
    "inner_parent": (hostile.named("assets/../../escaped"), OUTSIDE),
    "absolute": (hostile.named("/tmp/escaped"), OUTSIDE + "'/tmp/escaped'"),
    "backslashes": (hostile.named("assets\\..\\..\\escaped"), OUTSIDE),
    "drive": (hostile.named("C:\\escaped"), OUTSIDE),
    "symlink": (hostile.SYMLINK, PLAIN),
    "fifo_entry": (hostile.FIFO, PLAIN),
    "two_configs": (
        hostile.repeated("config.json"),
        ONE + "config.json",
    ),
    "two_of_a_name": (
        hostile.repeated("metadata.json"),
        "4 entries of 3 n",
    ),
    "no_config": (hostile.without("config.json"), ONE + "config.json"),
    "no_weights": (
        hostile.without(hostile.WEIGHTS),
        ONE + "model.weights.h5",
    ),
    "pickles": (hostile.with_pickles, ONE + "model.weights.h5"),
    "config_bomb": (
        hostile.bomb("config.json", 2**26 + 1),
        SIZE + "'config.json'",
    ),
    "weights_bomb": (
        hostile.bomb(hostile.WEIGHTS, 2**26 + 1),
        SIZE + "'model.weights.h5'",
    ),
    "many_bombs": (hostile.many_small_bombs, SIZE + "the archive"),
    "many_entries": (hostile.many_entries, "at most 10000 entries"),
    "understated": (hostile.understated, WHOLE),
    "method": (hostile.foreign_method, "must be stored or deflated"),
    "no_zip": (hostile.content(b"no archive"), WHOLE),
    "empty": (hostile.content(b""), WHOLE),
    "truncated": (hostile.truncated, WHOLE),
    "damaged": (hostile.damaged, WHOLE),
}
CONFIGS = {
    "unknown_class": (
        hostile.layer(class_name="Thing", module="no_such_module"),
        UNKNOWN + "class 'Thing' of the module 'no_such_module'.*register_",
    ),
    "importable_class": (
        hostile.layer(class_name="Thing", module="stranger"),
        UNKNOWN + "class 'Thing' of the module 'stranger'",
    ),
    # Keras would import it for its name.
    "imported_by_keras": (
        hostile.layer(class_name="Thing", module="keras_nlp"),
        UNKNOWN + "class 'Thing' of the module 'keras_nlp'",
    ),
    "os_system": (
        hostile.layer(class_name="system", module="os", config="touch a"),
        UNKNOWN + "class 'system' of the module 'os'",
    ),
    "os_system_function": (
        hostile.activation(config="system", module="os"),
        UNKNOWN + "function 'system' of the module 'os'",
    ),
    "eval": (
        hostile.layer(class_name="eval", module="builtins", config={}),
        UNKNOWN + "class 'eval' of the module 'builtins'",
    ),
    "eval_function": (
        hostile.activation(config="eval", module="builtins"),
        "Could not locate function .eval",
    ),
    "keras_function": (
        hostile.activation(config="save_img", module="keras.utils"),
        UNKNOWN + "function 'save_img' of the module 'keras.utils'",
    ),
    "python_lambda": (hostile.python_lambda, CODE + "Lambda"),
    "keras_function_with_a_path": (
        hostile.keras_function_with_a_path,
        CODE + "Lambda",
    ),
    "function_for_a_model": (
        hostile.encoder(
            class_name="function",
            config="own_layers>sing",
            module="stranger",
        ),
        "`encoder` must be a keras.Model",
    ),
    "function_for_a_layer": (
        hostile.layer(registered_name="own_layers>sing", module="a", config={}),
        "expected a layer",
    ),
    "saved_model": (
        hostile.layer(class_name="TFSMLayer", module="keras.layers", config={}),
        CODE + "TFSMLayer",
    ),
    "torch_module": (
        hostile.layer(
            class_name="TorchModuleWrapper",
            module="keras.layers",
            config={"module": "pickle"},
        ),
        CODE + "TorchModuleWrapper",
    ),
    "nested": (hostile.nested, "must be JSON. Received: "),
    "no_json": (hostile.config_of(b"{"), "must be JSON. Received: "),
    "no_object": (hostile.config_of(b"[]"), "could not be loaded: "),
}
WEIGHTS = {
    "external_link": (
        hostile.linked(hostile.external_link),
        ELSEWHERE + "'decoder', a link",
    ),
    "soft_link": (
        hostile.linked(hostile.soft_link),
        ELSEWHERE + "'decoder', a link",
    ),
    "stored_elsewhere": (
        hostile.stored_elsewhere,
        ELSEWHERE + "'stolen', whose values are in another file",
    ),
    "virtual": (
        hostile.virtual,
        ELSEWHERE + "'stolen', whose values are in another file",
    ),
    "huge_shape": (hostile.huge_shape, SIZE + "'huge'"),
    "no_hdf5": (hostile.no_weights, "must be an HDF5 file. Received: "),
}
TOLD_BY_KERAS = (
    "eval_function",
    "function_for_a_model",
    "function_for_a_layer",
    "no_object",
)
CASES = {**ARCHIVES, **CONFIGS, **WEIGHTS}


@pytest.fixture(scope="module")
def good(make_kind, tmp_path_factory):
    """A good file, whose decoder ends in a layer named `last`."""
    path = tmp_path_factory.mktemp("good") / "model.keras"
    z = keras.Input((3,))
    h = keras.layers.Dense(4, activation="tanh")(z)
    decoder = keras.Model(z, keras.layers.Dense(6, name="last")(h))
    make_kind(decoder=decoder).save(path)
    return path


@pytest.fixture
def canary(tmp_path, monkeypatch):
    """The file that exists once code of a stranger has run."""
    path = tmp_path / "canary"
    modules = tmp_path / "modules"
    modules.mkdir()
    for name in ("stranger", "keras_nlp"):
        (modules / f"{name}.py").write_text(STRANGER.format(canary=str(path)))
    (modules / "own_layers.py").write_text(OWN.format(canary=str(path)))
    monkeypatch.syspath_prepend(str(modules))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    yield path
    for name in ("stranger", "keras_nlp", "own_layers"):
        sys.modules.pop(name, None)


@pytest.fixture
def place(good, canary, tmp_path, monkeypatch):
    """Writes a run directory with a bad file, and checks what is left."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return Place(tmp_path, hostile.Model(good, canary), canary)


class Place:
    def __init__(self, folder, model, canary):
        self.folder, self.model, self.canary = folder, model, canary
        self.run = folder / "run"

    def write(self, write):
        self.run.mkdir()
        write(self.model, self.run / "model.keras")
        self.before = sorted(self.folder.rglob("*"))

    def check(self):
        """Nothing was run, and nothing written anywhere."""
        assert not self.canary.exists()
        assert sorted(self.folder.rglob("*")) == self.before
        assert not {"stranger", "keras_nlp"} & set(sys.modules)


@pytest.mark.parametrize("name", CASES)
def test_it_is_not_exported(name, place):
    import own_layers  # noqa: F401

    write, message = CASES[name]
    place.write(write)
    with pytest.raises(ExportError, match=message) as caught:
        keras_vae_export.export(place.run, place.folder / "models")
    assert str(caught.value).startswith(f"The model in '{place.run}/model.k")
    assert "\n" not in str(caught.value)
    place.check()


@pytest.mark.once
@pytest.mark.parametrize(
    "command", ["export {run} --out={out}", "generate {run} --out={out}.png"]
)
@pytest.mark.parametrize("name", CASES)
def test_the_command_line_tells_it(name, command, place, capsys):
    import own_layers  # noqa: F401

    write, message = CASES[name]
    place.write(write)
    options = {"run": place.run, "out": place.folder / "out"}
    code = cli.main(command.format(**options).split())
    printed = capsys.readouterr()
    assert code == 2
    assert printed.out == ""
    assert printed.err.startswith("Error: ") and printed.err.count("\n") == 1
    if name not in TOLD_BY_KERAS or "export" in command:
        assert re.search(message, printed.err)
    place.check()


@pytest.fixture
def alarm():
    """Ends a test that waits for a pipe which nobody writes to."""
    before = signal.signal(signal.SIGALRM, _give_up)
    signal.alarm(20)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def _give_up(*args):
    raise TimeoutError("It waits.")


@pytest.mark.once
@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="This system has no named pipes."
)
@pytest.mark.parametrize("name", ["pipe.keras", "run/model.keras"])
def test_a_pipe_is_not_waited_for(name, tmp_path, alarm, capsys):
    (tmp_path / "run").mkdir()
    os.mkfifo(tmp_path / name)
    given = (tmp_path / name).parent if "run" in name else tmp_path / name
    with pytest.raises(FileNotFoundError, match="must be a VAE, a run dir"):
        keras_vae_export.export(given, tmp_path / "models")
    assert cli.main(["export", str(given), f"--out={tmp_path}"]) == 2
    assert cli.main(["generate", str(given), f"--out={tmp_path}/a.png"]) == 2
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.once
def test_a_directory_is_no_file(good, tmp_path):
    # Keras itself would load an archive that lies unpacked.
    shutil.unpack_archive(good, tmp_path / "m.keras", "zip")
    with pytest.raises(FileNotFoundError, match="without model.keras"):
        keras_vae_export.export(tmp_path / "m.keras", tmp_path / "models")
