"""Version directories of a small linear model, without Keras.

They have the files and the manifest that `keras-vae export --format onnx`
writes; `LinearModel` computes in NumPy what the files compute.
"""

import hashlib
import json
import os
import pathlib
from typing import NamedTuple

import numpy as np
import onnx

from tests.keras_vae_serving.linear_graphs import GRAPHS

SIGNATURES = tuple(GRAPHS)
NOISE_PERIOD = 101
REFERENCE_FILE = "assets.extra/reference.npz"


class LinearModel(NamedTuple):
    """A model whose decoder and encoder are one matrix.

    Attributes:
        event_shape: The shape of an x.
        latent_dim: The size of a z.
        bias: Added to every value of x: tells versions apart.
        condition_dim: The size of a condition; `None` without conditions.
        recurrent: Whether the decoder holds a GRU, on which an empty batch
            would end onnxruntime's process. What it computes stays the same.
    """

    event_shape: tuple[int, ...] = (4, 4, 1)
    latent_dim: int = 3
    bias: float = 0.5
    condition_dim: int | None = None
    recurrent: bool = False

    @property
    def num_values(self):
        return int(np.prod(self.event_shape))

    @property
    def weights(self):
        angles = np.outer(
            np.arange(1, self.latent_dim + 1), np.arange(self.num_values)
        )
        return (0.2 * np.cos(angles)).astype("float32")

    @property
    def condition_weights(self):
        return np.full((self.condition_dim, self.num_values), 0.1, "float32")

    def noise(self, seed):
        seeds = np.asarray(seed, "int64")[:, None] % NOISE_PERIOD
        steps = np.arange(3, 3 + self.latent_dim)
        levels = (seeds * steps % NOISE_PERIOD).astype("float32")
        return levels / np.float32(50) - np.float32(1)

    def decode(self, z, condition=None):
        x = z @ self.weights + np.float32(self.bias)
        if condition is not None:
            x = x + condition @ self.condition_weights
        return {"x": x.reshape(-1, *self.event_shape)}

    def generate_rows(self, seed, temperature, condition=None):
        z = self.noise(seed) * np.asarray(temperature)[:, None]
        return {**self.decode(z, condition), "z": z}

    def generate(self, num_samples, seed, temperature, condition=None):
        seeds = int(seed) % NOISE_PERIOD + np.arange(int(num_samples))
        temperatures = np.full(len(seeds), temperature, "float32")
        return self.generate_rows(seeds, temperatures, condition)

    def encode(self, x, condition=None):
        loc = x.reshape(len(x), -1) @ self.weights.T
        return {"loc": loc, "scale": np.full_like(loc, 0.25)}

    def reconstruct(self, x, condition=None):
        loc = self.encode(x)["loc"]
        return {"reconstruction": self.decode(loc, condition)["x"]}

    def score(self, x, seed, condition=None):
        error = x - self.reconstruct(x, condition)["reconstruction"]
        squares = (error**2).reshape(len(x), -1).sum(1)
        return {"elbo": self.noise(seed)[:, 0] / np.float32(100) - squares}

    def run(self, signature, inputs):
        """What a signature answers; `serving_default` is `decode`."""
        name = "decode" if signature == "serving_default" else signature
        return getattr(self, name)(**inputs)

    def specs(self):
        """By signature, its inputs and its outputs as manifests have them."""
        x = ("float32", ["N", *self.event_shape])
        z = ("float32", ["N", self.latent_dim])
        seeds, scores = ("int64", ["N"]), ("float32", ["N"])
        scalars = {
            "num_samples": ("int32", []),
            "seed": ("int64", []),
            "temperature": ("float32", []),
        }
        table = {
            "decode": ({"z": z}, {"x": x}),
            "generate": (scalars, {"x": x, "z": z}),
            "generate_rows": (
                {"seed": seeds, "temperature": scores},
                {"x": x, "z": z},
            ),
            "encode": ({"x": x}, {"loc": z, "scale": z}),
            "reconstruct": ({"x": x}, {"reconstruction": x}),
            "score": ({"x": x, "seed": seeds}, {"elbo": scores}),
        }
        if self.condition_dim is not None:
            condition = ("float32", ["N", self.condition_dim])
            for inputs, _ in table.values():
                inputs["condition"] = condition
        return table


LINEAR = LinearModel()


def write_version(
    model_directory, version=1, model=LINEAR, signatures=SIGNATURES
):
    """Writes `model_directory/version` in one step, and returns its path."""
    parent = pathlib.Path(model_directory)
    hidden = parent / f".{version}.tmp-0123abcd"
    for folder in ("onnx", "assets.extra"):
        (hidden / folder).mkdir(parents=True)
    specs = model.specs()
    for name in signatures:
        graph = GRAPHS[name](model)
        content = onnx_file(graph, *specs[name])
        (hidden / "onnx" / f"{name}.onnx").write_bytes(content)
    np.savez(hidden / REFERENCE_FILE, bias=np.float32(model.bias))
    write_manifest(hidden, manifest(parent.name, int(version), model, hidden))
    final = parent / str(version)
    os.rename(hidden, final)
    return final


def onnx_file(graph, inputs, outputs):
    """Returns an ONNX file of the nodes and constants of a graph."""
    made = onnx.helper.make_graph(
        graph.nodes,
        "linear",
        [_value(name, *spec) for name, spec in inputs.items()],
        [_value(name, *spec) for name, spec in outputs.items()],
        [
            onnx.numpy_helper.from_array(v, k)
            for k, v in graph.constants.items()
        ],
    )
    opset = onnx.helper.make_opsetid("", 18)
    model = onnx.helper.make_model(made, opset_imports=[opset], ir_version=9)
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString(deterministic=True)


def _value(name, dtype, shape):
    kind = onnx.helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    return onnx.helper.make_tensor_value_info(name, kind, shape)


def write_manifest(directory, content):
    text = json.dumps(content, indent=2) + "\n"
    (pathlib.Path(directory) / "manifest.json").write_text(text, "utf-8")


def manifest(name, version, model, directory):
    """What `manifest.json` holds for the ONNX files of a directory."""
    files = sorted((pathlib.Path(directory) / "onnx").glob("*.onnx"))
    paths = {path.stem: f"onnx/{path.name}" for path in files}
    specs = {key: model.specs()[key] for key in SIGNATURES if key in paths}
    sizes = [1, 3, 16] if model.recurrent else [0, 1, 3, 16]
    return {
        "format_version": 1,
        "name": name,
        "version": version,
        "model": {"class_name": "VAE", "name": "vae"},
        "latent_dim": model.latent_dim,
        "event_shape": list(model.event_shape),
        "dtypes": _dtypes(specs),
        "likelihood": _part("Bernoulli", "likelihood"),
        "prior": _part("StandardNormal", "prior"),
        "signatures": {
            key: {
                "inputs": _specs(inputs),
                "outputs": _specs(outputs),
                "files": {"onnx": paths[key]},
                "saved_model_names": [],
            }
            for key, (inputs, outputs) in specs.items()
        },
        "rng": {
            "algorithm": "threefry2x32",
            "rounds": 20,
            "normals_per_sample": model.latent_dim,
            "uniforms_per_sample": 0,
        },
        "parity": _parity(paths.values(), sizes),
        "variants": {},
        "opset": 18,
        "versions": {"onnx": onnx.__version__},
        "files": file_hashes(directory),
    }


def _dtypes(specs):
    tensors = (side for pair in specs.values() for side in pair)
    return {name: one[0] for side in tensors for name, one in side.items()}


def _part(class_name, kind):
    registered = f"keras_vae.{kind}>{class_name}"
    return {
        "class_name": class_name,
        "registered_name": registered,
        "config": {},
    }


def _specs(tensors):
    return [
        {"name": name, "dtype": dtype, "shape": shape}
        for name, (dtype, shape) in tensors.items()
    ]


def _parity(paths, sizes):
    reference = {
        "backend": "torch",
        "exact": True,
        "file": REFERENCE_FILE,
        "max_abs_difference": 0.0,
    }
    return {
        "tolerance": 1e-5,
        "limits": {},
        "seed": 0,
        "batch_sizes": {path: sizes for path in paths},
        "reference": reference,
        "files": {},
        "png_levels": None,
    }


def file_hashes(directory):
    """The SHA-256 and the size of every file but the manifest."""
    root = pathlib.Path(directory)
    paths = sorted(path for path in root.rglob("*") if path.is_file())
    hashes = {path.relative_to(root).as_posix(): _hash(path) for path in paths}
    hashes.pop("manifest.json", None)
    return hashes


def _hash(path):
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    return {"sha256": digest, "size": len(content)}
