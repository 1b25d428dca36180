"""The same weights give the same files, on whatever backend they are."""

import copy
import pathlib

import keras
import numpy as np
import pytest

from keras_vae_export.signatures import SIGNATURES
from tests.keras_vae_export import one_path

pytestmark = [pytest.mark.once, pytest.mark.slow]

TASK = "tests.keras_vae_export.one_path:export"
OTHERS = ("jax", "torch")


@pytest.fixture(scope="module")
def exported(workers, tmp_path_factory):
    """Version directories by backend: of one model, each from a process.

    This process has built other models by then; the TensorFlow processes
    that JAX and PyTorch start have not, and have another PYTHONHASHSEED.
    """
    folder = tmp_path_factory.mktemp("one_path")
    model = str(folder / "model.keras")
    one_path.build().save(model)
    # Other models move Keras's counters of automatic names.
    one_path.build()(np.zeros((1, 4, 4, 1), "float32"))
    here = one_path.export(model, str(folder / keras.backend.backend()))
    found = [here]
    for backend in OTHERS:
        directory = str(folder / backend)
        task = workers(backend).call
        found.append(task(TASK, 600, model=model, directory=directory))
    return {one["backend"]: pathlib.Path(one["path"]) for one in found}


def test_each_backend_took_part(exported):
    assert sorted(exported) == ["jax", "tensorflow", "torch"]
    assert len(set(exported.values())) == 3


@pytest.mark.parametrize("backend", OTHERS)
def test_onnx_files_are_equal_byte_for_byte(backend, exported):
    files, expected = (
        {
            str(path.relative_to(exported[name])): path.read_bytes()
            for path in exported[name].rglob("*.onnx")
        }
        for name in (backend, "tensorflow")
    )
    assert len(expected) > len(SIGNATURES)  # With the variants.
    assert files.keys() == expected.keys()
    different = [name for name in files if files[name] != expected[name]]
    assert different == []


@pytest.mark.parametrize("backend", OTHERS)
def test_variables_are_equal_bit_for_bit(backend, exported):
    variables, expected = (
        one_path.variables(exported[name]) for name in (backend, "tensorflow")
    )
    assert len(expected) > 10
    assert variables.keys() == expected.keys()
    for name, value in expected.items():
        assert variables[name].dtype == value.dtype
        assert variables[name].tobytes() == value.tobytes(), name


@pytest.mark.parametrize("backend", OTHERS)
def test_graphs_are_equal_node_for_node(backend, exported):
    graph, expected = (
        one_path.graph(exported[name]) for name in (backend, "tensorflow")
    )
    functions = expected["graphDef"]["library"]["function"].values()
    assert sum(len(one["nodeDef"]) for one in functions) > 1000
    assert one_path.first_difference(graph, expected) is None


def test_a_difference_is_found(exported):
    graph = one_path.graph(exported["tensorflow"])
    changed = copy.deepcopy(graph)
    functions = changed["graphDef"]["library"]["function"]
    name = max(functions, key=lambda one: len(functions[one]["nodeDef"]))
    functions[name]["nodeDef"][7]["op"] = "Other"
    found = one_path.first_difference(graph, changed)
    assert found.startswith(f"graph/graphDef/library/function/{name}/nodeDef/7")
