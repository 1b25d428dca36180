import json

import pytest

from keras_vae_export.usage import usage

pytestmark = pytest.mark.once

Z = {"name": "z", "dtype": "float32", "shape": ["N", 3]}
CONDITION = {"name": "condition", "dtype": "float32", "shape": ["N", 2]}
COUNT = {"name": "num_samples", "dtype": "int32", "shape": []}
SEED = {"name": "seed", "dtype": "int64", "shape": []}
SEEDS = {"name": "seed", "dtype": "int64", "shape": ["N"]}


def signature(name, inputs, formats):
    files = {"tf_saved_model": "saved_model.pb", "onnx": f"onnx/{name}.onnx"}
    return {
        "inputs": inputs,
        "files": {format: files[format] for format in formats},
    }


def signatures(*formats, more=()):
    inputs = {
        "decode": [Z],
        "generate": [COUNT, SEED],
        "generate_rows": [SEEDS],
    }
    return {
        name: signature(name, [*specs, *more], formats)
        for name, specs in inputs.items()
    }


def test_what_runs_each_form():
    saved, onnx = {"serving", "tensorflow"}, {"onnx"}
    assert set(usage(signatures("tf_saved_model", "onnx"))) == saved | onnx
    assert set(usage(signatures("tf_saved_model"))) == saved
    assert set(usage(signatures("onnx"))) == onnx
    assert usage({}) == {}


def test_a_row_of_one_input_is_bare():
    body = json.loads(usage(signatures("tf_saved_model"))["serving"])
    assert body == {"signature_name": "generate_rows", "instances": [7]}


def test_a_row_of_several_inputs_names_them():
    found = usage(signatures("tf_saved_model", more=[CONDITION]))
    body = json.loads(found["serving"])
    assert body["instances"] == [{"seed": 7, "condition": [0.0, 0.0]}]


@pytest.mark.parametrize("form", ["tensorflow", "onnx"])
def test_code_takes_every_input(form):
    found = usage(signatures("tf_saved_model", "onnx", more=[CONDITION]))
    compile(found[form], "example", "exec")
    assert "zeros((4, 2)" in found[form]
    assert found[form].count("condition") == {"tensorflow": 1, "onnx": 2}[form]
