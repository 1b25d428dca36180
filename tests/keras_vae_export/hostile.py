"""Writes `.keras` files that want to run code, or to reach other files."""

import io
import json
import os
import stat
import struct
import warnings
import zipfile

import h5py
import keras
import numpy as np

WEIGHTS = "model.weights.h5"


class Model:
    """A good `.keras` file, from which bad ones are made.

    Args:
        path: The good file.
        canary: The path that hostile code would write to.
    """

    def __init__(self, path, canary):
        self.canary = canary
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            self.entries = {name: archive.read(name) for name in names}

    def config(self, change):
        """Changes the decoder's last Dense layer in `config.json`."""
        config = json.loads(self.entries["config.json"])
        decoder = config["config"]["decoder"]
        layers = decoder["config"]["layers"]
        (dense,) = [one for one in layers if one["name"] == "last"]
        change(dense, config)
        self.entries["config.json"] = json.dumps(config).encode()

    def weights(self, change):
        """Changes the HDF5 file of the weights."""
        content = io.BytesIO(self.entries[WEIGHTS])
        with h5py.File(content, "a") as file:
            change(file)
        self.entries[WEIGHTS] = content.getvalue()

    def write(self, path, *more):
        """Writes the archive with more entries: pairs of info and bytes."""
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in [*self.entries.items(), *more]:
                archive.writestr(name, content)


# --- The archive --------------------------------------------------------------


def named(name):
    def write(model, path):
        model.write(path, (zipfile.ZipInfo(name), b"escaped"))

    return write


def special(kind):
    def write(model, path):
        entry = zipfile.ZipInfo("assets/link")
        entry.external_attr = (kind | 0o777) << 16
        model.write(path, (entry, str(model.canary)))

    return write


def repeated(name):
    def write(model, path):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile warns of the second.
            model.write(path, (name, b"{}"))

    return write


def without(name):
    def write(model, path):
        del model.entries[name]
        model.write(path)

    return write


def with_pickles(model, path):
    arrays = io.BytesIO()
    np.savez(arrays, vars=np.array([Canary(model.canary)], dtype=object))
    model.entries["model.weights.npz"] = arrays.getvalue()
    del model.entries[WEIGHTS]
    model.write(path)


class Canary:
    """Pickled, it is a call that makes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def bomb(name, size):
    def write(model, path):
        model.entries[name] = b" " * size
        model.write(path)

    return write


def many_small_bombs(model, path):
    model.write(path, *((f"assets/{n}", b" " * 2**22) for n in range(20)))


def many_entries(model, path):
    model.write(path, *((f"assets/{n}", b"") for n in range(10_001)))


def understated(model, path):
    """Declares fewer bytes of `config.json` than it unpacks to."""
    model.entries["config.json"] += b" " * 2**20
    size = len(model.entries["config.json"])
    model.write(path)
    content = path.read_bytes()
    wrong = content.replace(struct.pack("<L", size), struct.pack("<L", 100))
    assert wrong != content
    path.write_bytes(wrong)


def foreign_method(model, path):
    info = zipfile.ZipInfo("assets/a")
    info.compress_type = zipfile.ZIP_BZIP2
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in model.entries.items():
            archive.writestr(name, content)
        archive.writestr(info, b"a")


def content(text):
    def write(model, path):
        path.write_bytes(text)

    return write


def truncated(model, path):
    model.write(path)
    path.write_bytes(path.read_bytes()[:-30])


def damaged(model, path):
    model.write(path)
    whole = bytearray(path.read_bytes())
    whole[len(whole) // 3] ^= 0xFF
    path.write_bytes(whole)


# --- The config ---------------------------------------------------------------


def layer(**entries):
    def write(model, path):
        model.config(lambda dense, config: dense.update(entries))
        model.write(path)

    return write


def activation(**entries):
    def write(model, path):
        function = {"class_name": "function", **entries}

        def change(dense, config):
            dense["config"]["activation"] = function

        model.config(change)
        model.write(path)

    return write


def encoder(**entries):
    def write(model, path):
        def change(dense, config):
            config["config"]["encoder"] = entries

        model.config(change)
        model.write(path)

    return write


def python_lambda(model, path):
    """A Lambda layer that holds code."""
    code = keras.layers.Lambda(_sing, name="last", arguments={"path": ""})
    config = code.get_config()
    config["arguments"] = {"path": str(model.canary)}
    write = layer(class_name="Lambda", module="keras.layers", config=config)
    write(model, path)


_sing = lambda x, path: os.mkdir(path) or x  # noqa: E731


def keras_function_with_a_path(model, path):
    """A Lambda layer that calls one of Keras's own functions."""
    function = {
        "class_name": "function",
        "config": "plot_image_gallery",
        "module": "keras.visualization",
    }
    options = {"path": str(model.canary)}
    config = {"function": function, "arguments": options, "name": "last"}
    write = layer(class_name="Lambda", module="keras.layers", config=config)
    write(model, path)


def nested(model, path):
    model.entries["config.json"] = b"[" * 100_000
    model.write(path)


def config_of(text):
    def write(model, path):
        model.entries["config.json"] = text
        model.write(path)

    return write


# --- The weights --------------------------------------------------------------


def linked(link):
    def write(model, path):
        def change(file):
            del file["decoder"]
            file["decoder"] = link(model)

        model.weights(change)
        model.write(path)

    return write


def external_link(model):
    return h5py.ExternalLink(str(model.canary) + ".h5", "/")


def soft_link(model):
    return h5py.SoftLink("/encoder")


def stored_elsewhere(model, path):
    def change(file):
        places = [("/etc/hostname", 0, 4)]
        file.create_dataset("stolen", (1,), "float32", external=places)

    model.weights(change)
    model.write(path)


def virtual(model, path):
    def change(file):
        layout = h5py.VirtualLayout((1,), "float32")
        layout[:] = h5py.VirtualSource("/etc/hostname.h5", "a", (1,))
        file.create_virtual_dataset("stolen", layout)

    model.weights(change)
    model.write(path)


def huge_shape(model, path):
    def change(file):
        file.create_dataset("huge", (2**40,), "float32", chunks=(2**20,))

    model.weights(change)
    model.write(path)


def no_weights(model, path):
    model.entries[WEIGHTS] = b"no HDF5"
    model.write(path)


SYMLINK, FIFO = special(stat.S_IFLNK), special(stat.S_IFIFO)
