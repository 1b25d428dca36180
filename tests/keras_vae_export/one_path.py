"""Exports one model on any backend, and reads SavedModels to compare them."""

import json
import pathlib
import re

import keras
import numpy as np

import keras_vae
import keras_vae_export
from keras_vae import networks, objectives, posteriors, priors

VARIANTS = ("folded", "float16", "int8")
# TensorFlow counts functions and tensors in the process.
_COUNT = re.compile(r"_(\d+)$")


def build():
    """A VAE in which every signature has something of its own to compute."""
    keras.utils.set_random_seed(0)
    dense = keras.layers.Dense
    z = keras.Input((3,))
    h = dense(32, activation="tanh")(dense(32)(z))
    h = keras.layers.Reshape((2, 2, 8))(h)
    h = keras.layers.Conv2DTranspose(3, 3, strides=2, padding="same")(h)
    decoder = keras.Model(z, keras.layers.BatchNormalization()(h))
    vae = keras_vae.VAE(
        networks.mlp_encoder((4, 4, 1), (64,)),
        decoder,
        posterior=posteriors.PlanarFlow(3, num_steps=2),
        prior=priors.GaussianMixture(2),
        objective=objectives.ELBO(kl="monte_carlo"),
        name="one",
    )
    rng = np.random.default_rng(0)
    for weight in vae.trainable_weights:
        weight.assign(rng.normal(size=weight.shape, scale=0.3))
    return vae


def export(model, directory):
    """Loads a model on this backend and exports it live."""
    vae = keras.saving.load_model(model)
    path = keras_vae_export.export(vae, directory, variants=VARIANTS)
    return {"path": str(path), "backend": keras.backend.backend()}


def variables(path):
    """The variables of a SavedModel, as bytes by name."""
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(path / "variables" / "variables"))
    names = reader.get_variable_to_shape_map()
    return {name: np.asarray(reader.get_tensor(name)) for name in names}


def graph(path):
    """A SavedModel's graph with what TensorFlow counts counted from 0."""
    from google.protobuf.json_format import MessageToDict
    from tensorflow.core.protobuf import saved_model_pb2

    content = pathlib.Path(path / "saved_model.pb").read_bytes()
    (meta,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    functions = meta.graph_def.library.function
    for function in functions:
        for argument in function.arg_attr.values():
            name = argument.attr["_user_specified_name"]
            if name.s.isdigit():
                name.s = b"tensor"
    names = [function.signature.name for function in functions]
    names.sort(key=lambda name: int(_COUNT.search(name)[1]))
    counted = {name: _COUNT.sub(f"_{n}", name) for n, name in enumerate(names)}
    pattern = re.compile(rf"({'|'.join(names)})(?!\d)")
    text = json.dumps(MessageToDict(meta))
    text = pattern.sub(lambda match: counted[match[0]], text)
    found = json.loads(text)
    library = found["graphDef"]["library"]
    functions = library["function"]
    library["function"] = {one["signature"]["name"]: one for one in functions}
    return found


def first_difference(one, other, place="graph"):
    """Where two nested structures differ first, or `None`."""
    if type(one) is not type(other):
        return f"{place}: {one!r:.200} and {other!r:.200}"
    if isinstance(one, dict):
        if sorted(one) != sorted(other):
            return f"{place}: {sorted(set(one) ^ set(other))}"
        pairs = [(key, one[key], other[key]) for key in one]
    elif isinstance(one, list):
        if len(one) != len(other):
            return f"{place}: {len(one)} and {len(other)} entries"
        places = range(len(one))
        pairs = list(zip(places, one, other, strict=True))
    else:
        return None if one == other else f"{place}: {one!r} and {other!r}"
    found = (first_difference(a, b, f"{place}/{key}") for key, a, b in pairs)
    return next((difference for difference in found if difference), None)
