"""Who may import whom, read from the source of the three packages."""

import ast
import os
import pathlib
import subprocess
import sys
from typing import NamedTuple

import pytest

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = (ROOT, ROOT / "export", ROOT / "serving")
PACKAGES = ("keras_vae", "keras_vae_export", "keras_vae_serving")

# Lowest first. A file imports its own floor or lower; "" is
# keras_vae/__init__.py, which loads a higher part only when it is asked for.
FLOORS = (
    {"types", "validation", "registry", "version", "random", "distributions"},
    {"layers"},
    {"networks", "posteriors", "priors", "likelihoods"},
    {"objectives"},
    {"trainers"},
    {"models"},
    {"", "evaluation", "callbacks", "visualization", "datasets"},
    {"keras_vae_export"},
    {"testing"},
    {"cli"},
)
FLOOR = {part: n for n, parts in enumerate(FLOORS) for part in parts}

# The backend that an import brings, by the package imported.
BACKEND = {
    "tensorflow": "tensorflow",
    "tensorflow_probability": "tensorflow",
    "tf_keras": "tensorflow",
    "tf2onnx": "tensorflow",
    "jax": "jax",
    "jaxlib": "jax",
    "flax": "jax",
    "optax": "jax",
    "torch": "torch",
    "torchvision": "torch",
}
# Calls that import the module that their first argument names.
IMPORTERS = ("import_module", "__import__", "optional_import")


class Import(NamedTuple):
    """One imported name, e.g. `keras_vae.models.VAE`, and where it stands."""

    name: str
    line: int
    function: str  # The innermost function around it; "" outside of one.
    typing_only: bool
    dynamic: bool  # By a call, as `importlib.import_module("name")`.

    @property
    def package(self):
        return self.name.partition(".")[0]


class Reader(ast.NodeVisitor):
    """Collects the imports of a file, wherever they stand."""

    def __init__(self):
        self.imports = []
        self.problems = []
        self.functions = [""]
        self.typing_only = False

    def add(self, node, name, dynamic=False):
        place = (node.lineno, self.functions[-1], self.typing_only, dynamic)
        self.imports.append(Import(name, *place))

    def visit_Import(self, node):
        for alias in node.names:
            self.add(node, alias.name)

    def visit_ImportFrom(self, node):
        if node.level:
            self.problems.append(f"line {node.lineno}: a relative import")
            return
        for alias in node.names:
            self.add(node, f"{node.module}.{alias.name}")

    def visit_Call(self, node):
        called = getattr(node.func, "attr", getattr(node.func, "id", ""))
        first = node.args[0] if node.args else None
        if called in IMPORTERS and isinstance(first, ast.Constant):
            self.add(node, str(first.value), dynamic=True)
        self.generic_visit(node)

    def visit_Attribute(self, node):
        if ast.unparse(node) == "keras.src":
            self.add(node, "keras.src")
        self.generic_visit(node)

    def visit_FunctionDef(self, node):
        self.functions.append(node.name)
        self.generic_visit(node)
        self.functions.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_If(self, node):
        outside = self.typing_only
        if ast.unparse(node.test).endswith("TYPE_CHECKING"):
            self.typing_only = True
        for child in node.body:
            self.visit(child)
        self.typing_only = outside
        for child in (node.test, *node.orelse):
            self.visit(child)


def read(source):
    reader = Reader()
    reader.visit(ast.parse(source))
    return reader


def part_of(name):
    """The part of the tower that a module belongs to; None outside of it."""
    package, _, rest = name.partition(".")
    if package == "keras_vae_export":
        return package
    return rest.partition(".")[0] if package == "keras_vae" else None


def floor_problem(module, found):
    part, target = part_of(module), part_of(found.name)
    if part is None or target is None:
        return None
    if part == "" and found.function:
        return None
    if (
        part == "models"
        and found.function == "export"
        and found.package == "keras_vae_export"
    ):
        return None
    # A name that is no part is one that keras_vae/__init__.py holds.
    if FLOOR.get(target, FLOOR[""]) > FLOOR[part]:
        return f"`{found.name}` stands on a higher floor than `{module}`"
    return None


def backend_problem(module, found):
    backend = BACKEND.get(found.package)
    if backend is None:
        return None
    part, last = part_of(module), module.rpartition(".")[2]
    if part == "trainers" and last.partition("_")[0] == backend:
        return None
    if part in ("datasets", "keras_vae_export") and backend == "tensorflow":
        if found.function:
            return None
        return f"`{found.name}` is imported outside of a function"
    return f"the backend `{found.name}` is imported in `{module}`"


def serving_problem(module, found):
    served = module.partition(".")[0] == "keras_vae_serving"
    if not served:
        if found.package == "keras_vae_serving":
            return f"`{module}` imports `{found.name}`"
        return None
    start = (module, found.name, found.dynamic)
    if start == ("keras_vae_serving.command", "keras_vae.cli", True):
        return None
    if found.package in ("keras", "keras_vae", "keras_vae_export"):
        return f"`{found.name}` is imported in keras_vae_serving"
    return None


# Keras has no public form of the iterables that it takes as they are; where
# these are gone, `fit` does without.
PRIVATE = {
    ("keras_vae.trainers.index_batches", f"keras.src.{name}")
    for name in (
        "trainers.data_adapters.array_data_adapter.ArrayDataAdapter",
        "trainers.data_adapters.data_adapter.DataAdapter",
    )
}


def private_problem(module, found):
    if (module, found.name) in PRIVATE:
        return None
    if f"{found.name}.".startswith("keras.src."):
        return "`keras.src` is private to Keras"
    return None


RULES = (floor_problem, backend_problem, serving_problem, private_problem)


def problems(module, source):
    """What is wrong with the imports of one module, a line each."""
    part = part_of(module)
    if part is not None and part not in FLOOR:
        return [f"`{part}` has no floor: add it to FLOORS in {__file__}"]
    reader = read(source)
    found = list(reader.problems)
    for one in reader.imports:
        wrong = filter(None, (rule(module, one) for rule in RULES))
        found += [f"line {one.line}: {problem}" for problem in wrong]
    return found


def eager_problems(sources):
    """What `import keras_vae` loads beyond Keras, NumPy and the backend.

    Follows the imports at module level from keras_vae/__init__.py on.

    Args:
        sources: Dictionary from each module's name to its source.
    """
    found, seen, todo = [], set(), ["keras_vae"]
    while todo:
        module = todo.pop()
        if module in seen or module not in sources:
            continue
        seen.add(module)
        for one in read(sources[module]).imports:
            if one.function or one.typing_only:
                continue
            names = one.name.split(".")
            todo += [".".join(names[:n]) for n in range(1, len(names) + 1)]
            if not is_light(module, one):
                found.append(f"{module}, line {one.line}: `{one.name}`")
    return found


def is_light(module, found):
    if found.package in ("keras", "keras_vae", "numpy"):
        return True
    if found.package in sys.stdlib_module_names:
        return True
    backend = BACKEND.get(found.package)
    return backend is not None and backend_problem(module, found) is None


def module_sources():
    """The source of every module of the three packages, by its name."""
    sources = {}
    for folder, package in zip(FOLDERS, PACKAGES, strict=True):
        for path in sorted((folder / package).rglob("*.py")):
            names = path.relative_to(folder).with_suffix("").parts
            if names[-1] == "__init__":
                names = names[:-1]
            sources[".".join(names)] = path.read_text(encoding="utf-8")
    return sources


SOURCES = module_sources()


def test_every_package_is_read():
    assert {name.partition(".")[0] for name in SOURCES} == set(PACKAGES)


@pytest.mark.parametrize("module", SOURCES)
def test_imports(module):
    assert problems(module, SOURCES[module]) == []


def test_keras_vae_is_light():
    assert eager_problems(SOURCES) == []


@pytest.mark.slow
@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_import_keras_vae_loads_no_other_backend(backend):
    # Keras itself loads some of these (matplotlib among them) when they are
    # installed, so what counts is what keras_vae adds.
    script = (
        "import sys, keras\n"
        "before = set(sys.modules)\n"
        "import keras_vae\n"
        "print(*(n for n in set(sys.modules) - before if '.' not in n))\n"
        "print(*(n for n in sys.modules if '.' not in n))\n"
    )
    path = os.pathsep.join(map(str, FOLDERS))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env=os.environ | {"KERAS_BACKEND": backend, "PYTHONPATH": path},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    added, loaded = map(set, map(str.split, done.stdout.splitlines()[-2:]))
    heavy = {"matplotlib", "sklearn", "typer", "onnx", "onnxruntime"}
    others = {"tensorflow", "tf2onnx", "tensorflow_datasets", "torch"}
    assert "keras_vae" in added
    assert not added & heavy
    assert not loaded & (others - {backend})


FINE = [
    ("keras_vae.models.vae", "from keras_vae import likelihoods"),
    ("keras_vae.priors.mixture", "import keras_vae.posteriors"),
    ("keras_vae.models.vae", "def export(s):\n import keras_vae_export"),
    ("keras_vae", "def __getattr__(name):\n from keras_vae import testing"),
    ("keras_vae.trainers.jax", "import jax.numpy as jnp"),
    ("keras_vae.datasets.tfds", "def f():\n import tensorflow as tf"),
    ("keras_vae_export.onnx", "def f():\n import tf2onnx"),
    ("keras_vae_export.onnx", "import keras_vae"),
    (
        "keras_vae_serving.command",
        "import importlib\nimportlib.import_module('keras_vae.cli')",
    ),
]
PLANTED = [
    ("keras_vae.layers.head", "from keras_vae.models import VAE", "higher"),
    ("keras_vae.layers.head", "from keras_vae import VAE", "higher"),
    ("keras_vae.layers.head", "import keras_vae", "higher"),
    ("keras_vae.random.a", "def f():\n import keras_vae.layers", "higher"),
    (
        "keras_vae.types",
        "if TYPE_CHECKING:\n from keras_vae.models import VAE",
        "higher",
    ),
    ("keras_vae", "from keras_vae import testing", "higher"),
    ("keras_vae.datasets", "import keras_vae_export.manifest", "higher"),
    ("keras_vae_export.onnx", "from keras_vae.testing import x", "higher"),
    ("keras_vae.models.vae", "import keras_vae_export", "higher"),
    ("keras_vae.models.vae", "def f():\n import keras_vae_export", "higher"),
    (
        "keras_vae.layers.head",
        "optional_import('keras_vae.cli', 'cli', 'x')",
        "higher",
    ),
    ("keras_vae.plugins.new", "", "has no floor"),
    ("keras_vae.helpers", "import keras", "has no floor"),
    ("keras_vae.models.vae", "import torch", "the backend `torch`"),
    ("keras_vae.models.vae", "def f():\n import jax", "the backend `jax`"),
    ("keras_vae.cli.train", "from flax import nnx", "the backend `flax"),
    ("keras_vae.trainers.jax", "import torch.nn", "the backend `torch.nn`"),
    ("keras_vae.trainers.base", "import tensorflow", "the backend"),
    ("keras_vae.datasets.tfds", "import tensorflow", "outside of a function"),
    ("keras_vae_export.onnx", "import tf2onnx", "outside of a function"),
    ("keras_vae.datasets.tfds", "def f():\n import torch", "the backend"),
    ("keras_vae.models.vae", "__import__('jax')", "the backend `jax`"),
    ("keras_vae_serving.rest", "import keras", "in keras_vae_serving"),
    ("keras_vae_serving.rest", "def f():\n import jax", "the backend"),
    (
        "keras_vae_serving.command",
        "def f():\n from keras_vae.cli import main",
        "in keras_vae_serving",
    ),
    ("keras_vae.cli.main", "import keras_vae_serving", "imports"),
    ("keras_vae.models.vae", "from . import parts", "a relative import"),
    ("keras_vae.models.vae", "from keras.src import ops", "private"),
    ("keras_vae.models.vae", "from keras import src", "private"),
    ("keras_vae.models.vae", "keras.src.ops.exp(1)", "private"),
]


@pytest.mark.parametrize(("module", "source"), FINE)
def test_what_is_allowed_passes(module, source):
    assert problems(module, source) == []


@pytest.mark.parametrize(("module", "source", "message"), PLANTED)
def test_what_is_planted_is_found(module, source, message):
    found = problems(module, source)
    assert len(found) == 1
    assert message in found[0]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import json, numpy, keras", []),
        ("import scipy.stats", ["keras_vae.models.vae, line 1: `scipy.stats`"]),
        ("from rich import a", ["keras_vae.models.vae, line 1: `rich.a`"]),
        ("class A:\n import onnx", ["keras_vae.models.vae, line 2: `onnx`"]),
        ("def f():\n import matplotlib", []),
        ("if TYPE_CHECKING:\n import matplotlib", []),
        (
            "from keras_vae import datasets",
            ["keras_vae.datasets, line 1: `PIL`"],
        ),
    ],
)
def test_eager_imports_are_followed(source, found):
    sources = {
        "keras_vae": "from keras_vae.models.vae import VAE",
        "keras_vae.models": "",
        "keras_vae.models.vae": source,
        "keras_vae.datasets": "import PIL",
    }
    assert eager_problems(sources) == found
