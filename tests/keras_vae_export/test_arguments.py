import importlib.util

import pytest

from keras_vae_export import arguments

pytestmark = pytest.mark.once


@pytest.mark.parametrize("name", ["digits", "a", "A.b_c-1", "_x", "7"])
def test_names(name):
    assert arguments.checked_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", ".hidden", "-x", "a/b", "a\\b", "a b", "ä", "a\n", 3],
)
def test_bad_names(name):
    with pytest.raises(ValueError, match="`name` must consist of letters"):
        arguments.checked_name(name)


@pytest.mark.parametrize(
    ("version", "kind", "message"),
    [
        (0, ValueError, "`version` must be a positive integer"),
        (-1, ValueError, "`version` must be a positive integer"),
        (2**63, ValueError, "`version` must be at most 9223372036854775807"),
        ("1", TypeError, "`version` must be a positive integer"),
        (1.0, TypeError, "`version` must be a positive integer"),
        (True, TypeError, "`version` must be a positive integer"),
    ],
)
def test_bad_versions(version, kind, message):
    with pytest.raises(kind, match=message):
        arguments.checked_version(version)


def test_versions():
    assert arguments.checked_version(1) == 1
    assert arguments.checked_version(2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        ("onnx", ("onnx",)),
        (["onnx", "tf_saved_model"], ("tf_saved_model", "onnx")),
        (("onnx", "onnx"), ("onnx",)),
        (("openvino", "litert", "onnx"), ("onnx", "litert", "openvino")),
    ],
)
def test_formats(formats, expected):
    assert arguments.checked_formats(formats) == expected


@pytest.mark.parametrize(
    ("formats", "message"),
    [
        (("torch",), "`formats` must be one of .*Received: formats='torch'"),
        ((), "`formats` must name at least one"),
    ],
)
def test_bad_formats(formats, message):
    with pytest.raises(ValueError, match=message):
        arguments.checked_formats(formats)


def test_bad_format_and_signature():
    with pytest.raises(ValueError, match="`format` must be one of"):
        arguments.checked_format("pb")
    with pytest.raises(ValueError, match="`signature` must be one of"):
        arguments.checked_signature("serve")


@pytest.mark.parametrize("imports", [("a b",), "my/layers.py", [""], [3]])
def test_bad_imports(imports):
    with pytest.raises(ValueError, match="`imports` must hold full names"):
        arguments.checked_imports(imports)


def test_imports():
    assert arguments.checked_imports("my.layers") == ("my.layers",)
    assert arguments.checked_imports(["a", "b.c"]) == ("a", "b.c")


@pytest.mark.parametrize(
    ("missing", "formats"),
    [
        ("tensorflow", ["tf_saved_model"]),
        ("tf2onnx", ["tf_saved_model", "onnx"]),
        ("onnx", ["onnx"]),
        ("onnxruntime", ["onnx"]),
    ],
)
def test_missing_libraries(missing, formats, monkeypatch):
    def find_spec(name):
        return None if name == missing else object()

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)
    message = rf"needs `{missing}`.*pip install \"keras-vae\[export\]\""
    with pytest.raises(ImportError, match=message):
        arguments.check_installed(formats)


def test_a_saved_model_needs_no_onnx(monkeypatch):
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda name: object() if name == "tensorflow" else None,
    )
    arguments.check_installed(["tf_saved_model"])
