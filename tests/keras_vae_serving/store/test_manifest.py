import json
import os
import pathlib

import hypothesis
import pytest
from hypothesis import strategies as st

from keras_vae_serving import dtypes
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import manifest
from tests.keras_vae_serving.directories import SIGNATURES

pytestmark = pytest.mark.once

SCHEMA = (
    pathlib.Path(__file__).parents[3]
    / "export/keras_vae_export/manifest.schema.json"
)


def change(directory, **changes):
    """Sets values of the manifest by their path, with `__` between keys."""
    path = directory / "manifest.json"
    content = json.loads(path.read_text())
    for key, value in changes.items():
        *parents, last = key.split("__")
        inner = content
        for parent in parents:
            inner = inner[parent]
        inner[last] = value
    path.write_text(json.dumps(content))


def code_of(directory):
    with pytest.raises(ServingError) as caught:
        manifest.read(directory)
    return caught.value.code


def test_reads_every_signature(linear_version):
    entries = manifest.read(linear_version)
    assert tuple(entries) == SIGNATURES
    generate = entries["generate_rows"]
    assert generate.inputs == {
        "seed": (dtypes.BY_NAME["DT_INT64"], (None,)),
        "temperature": (dtypes.BY_NAME["DT_FLOAT"], (None,)),
    }
    assert generate.outputs["x"].shape == (None, 4, 4, 1)
    assert generate.file.path == "onnx/generate_rows.onnx"


def test_the_directories_of_these_tests_are_as_exported(linear_version):
    jsonschema = pytest.importorskip("jsonschema")
    content = json.loads((linear_version / "manifest.json").read_text())
    jsonschema.validate(content, json.loads(SCHEMA.read_text()))


def test_unknown_keys_are_ignored(version_copy):
    change(version_copy, later={"x": 1}, signatures__decode__later=[1])
    assert "decode" in manifest.read(version_copy)


def test_signatures_without_an_onnx_file_are_left_out(version_copy):
    files = {"tf_saved_model": "saved_model.pb"}
    change(version_copy, signatures__decode__files=files)
    assert "decode" not in manifest.read(version_copy)


def test_a_directory_for_tensorflow_alone(version_copy):
    content = json.loads((version_copy / "manifest.json").read_text())
    for signature in content["signatures"].values():
        signature["files"] = {"tf_saved_model": "saved_model.pb"}
    (version_copy / "manifest.json").write_text(json.dumps(content))
    with pytest.raises(ServingError, match="`--format onnx` too") as caught:
        manifest.read(version_copy)
    assert caught.value.code is Code.FAILED_PRECONDITION


def test_no_manifest(tmp_path):
    with pytest.raises(ServingError, match=r"must hold `manifest.json`"):
        manifest.read(tmp_path)
    assert code_of(tmp_path) is Code.NOT_FOUND


def test_the_manifest_is_a_directory(tmp_path):
    (tmp_path / "manifest.json").mkdir()
    with pytest.raises(ServingError, match="must be a plain file"):
        manifest.read(tmp_path)


@pytest.mark.skipif(
    not hasattr(os, "mkfifo"), reason="This system has no named pipes."
)
def test_the_manifest_is_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "manifest.json")
    with pytest.raises(ServingError, match="must be a plain file"):
        manifest.read(tmp_path)


def test_the_manifest_leads_elsewhere(version_copy, tmp_path):
    path = version_copy / "manifest.json"
    path.rename(tmp_path / "elsewhere.json")
    path.symlink_to(tmp_path / "elsewhere.json")
    with pytest.raises(ServingError, match="a link that leads out of it"):
        manifest.read(version_copy)


def test_links_within_the_directory_are_followed(version_copy):
    path = version_copy / "manifest.json"
    path.rename(version_copy / "data.json")
    path.symlink_to("data.json")
    assert manifest.read(version_copy)


def test_a_link_to_the_directory_is_followed(version_copy, tmp_path):
    (tmp_path / "link").symlink_to(version_copy)
    assert manifest.read(tmp_path / "link")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"\xff",
        b'{"a": NaN}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"format_version": ' + b"1" * 10_000 + b"}",
    ],
    ids=["empty", "cut", "bytes", "nan", "deep", "deep_objects", "long"],
)
def test_what_is_no_json(tmp_path, text):
    (tmp_path / "manifest.json").write_bytes(text)
    with pytest.raises(ServingError, match="must be JSON"):
        manifest.read(tmp_path)
    assert code_of(tmp_path) is Code.INVALID_ARGUMENT


def test_a_huge_manifest_is_not_read(tmp_path):
    with (tmp_path / "manifest.json").open("wb") as file:
        file.truncate(2**40)  # Takes no room on disk.
    with pytest.raises(ServingError, match="must have at most 4194304 bytes"):
        manifest.read(tmp_path)


@pytest.mark.parametrize("value", [[], None, 3, "x"])
def test_the_top_must_be_an_object(tmp_path, value):
    (tmp_path / "manifest.json").write_text(json.dumps(value))
    with pytest.raises(ServingError, match="an object at its top"):
        manifest.read(tmp_path)


A_TENSOR = {"name": "z", "dtype": "float32", "shape": ["N", 3]}
INPUTS = "signatures__decode__inputs"
FILE = "signatures__decode__files__onnx"
HASHES = "files__onnx/decode.onnx"
HOSTILE = [
    ("format_version", 2, "must hold 1 at format_version"),
    ("format_version", True, "must hold 1 at format_version"),
    ("format_version", "1", "must hold 1 at format_version"),
    ("files", None, "an object at files"),
    ("signatures", [], "an object at signatures"),
    ("signatures", {str(n): {} for n in range(101)}, "at most 100 entries"),
    ("signatures", {"a\nb": {"files": {}}}, "a name of letters"),
    ("signatures", {"a" * 101: {"files": {}}}, "a name of letters"),
    ("signatures__decode", [], "an object at signatures/decode"),
    ("signatures__decode__files", [], "an object at signatures/decode/files"),
    (INPUTS, {}, "a list that is not empty"),
    (INPUTS, [], "a list that is not empty"),
    (INPUTS, [A_TENSOR] * 101, "at most 100 entries"),
    (INPUTS, [A_TENSOR] * 2, "a name of its own"),
    (INPUTS, [3], "an object at signatures/decode/inputs/0"),
    (INPUTS, [A_TENSOR | {"name": 3}], "a name of letters"),
    (INPUTS, [A_TENSOR | {"dtype": "object"}], "one of ['float32'"),
    (INPUTS, [A_TENSOR | {"dtype": ["float32"]}], "one of ['float32'"),
    (INPUTS, [A_TENSOR | {"shape": None}], "a list of at most 16 sizes"),
    (INPUTS, [A_TENSOR | {"shape": [1] * 17}], "a list of at most 16 sizes"),
    (INPUTS, [A_TENSOR | {"shape": [-1]}], "a list of sizes and 'N'"),
    (INPUTS, [A_TENSOR | {"shape": [True]}], "a list of sizes and 'N'"),
    (INPUTS, [A_TENSOR | {"shape": [2**31]}], "a list of sizes and 'N'"),
    (INPUTS, [A_TENSOR | {"shape": [1.0]}], "a list of sizes and 'N'"),
    (INPUTS, [A_TENSOR | {"shape": [["N"]]}], "a list of sizes and 'N'"),
    (FILE, 3, "the path of a file"),
    (FILE, "", "the path of a file"),
    (FILE, "/etc/passwd", "the path of a file"),
    (FILE, "../2/onnx/decode.onnx", "the path of a file"),
    (FILE, "onnx/../../x", "the path of a file"),
    (FILE, "onnx/./x", "the path of a file"),
    (FILE, "onnx//x", "the path of a file"),
    (FILE, "onnx\\..\\x", "the path of a file"),
    (FILE, "C:x", "the path of a file"),
    (FILE, "a\0b", "the path of a file"),
    (FILE, "x" * 1001, "the path of a file"),
    (FILE, "onnx/other.onnx", "a file whose hash the manifest gives"),
    (HASHES, [], "an object at files/onnx/decode.onnx"),
    (f"{HASHES}__sha256", "0" * 63, "64 hexadecimal digits"),
    (f"{HASHES}__sha256", ["0"] * 64, "64 hexadecimal digits"),
    (f"{HASHES}__size", -1, "an integer from 0 to 2147483647"),
    (f"{HASHES}__size", 2**31, "an integer from 0 to 2147483647"),
    (f"{HASHES}__size", True, "an integer from 0 to 2147483647"),
    (f"{HASHES}__size", "3", "an integer from 0 to 2147483647"),
]


@pytest.mark.parametrize(("key", "value", "message"), HOSTILE)
def test_hostile_values(version_copy, key, value, message):
    change(version_copy, **{key: value})
    with pytest.raises(ServingError) as caught:
        manifest.read(version_copy)
    assert message in caught.value.message
    assert caught.value.code is Code.INVALID_ARGUMENT
    assert len(caught.value.message) < 2000


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5)
    | st.sampled_from(["N", "float32", "onnx", "../x", "onnx/decode.onnx"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def places(value, path=()):
    """The paths of everything in a JSON value."""
    yield path
    if isinstance(value, dict | list):
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            yield from places(value[key], (*path, key))


def replaced(content, path, value):
    if not path:
        return value
    copy = json.loads(json.dumps(content))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    return copy


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(data=st.data())
def test_any_change_is_read_or_refused(linear_version, tmp_path_factory, data):
    content = json.loads((linear_version / "manifest.json").read_text())
    used = {k: content[k] for k in ("format_version", "signatures", "files")}
    path = data.draw(st.sampled_from(list(places(used))))
    changed = replaced(used, path, data.draw(JSON))
    directory = tmp_path_factory.getbasetemp() / "changed"
    directory.mkdir(exist_ok=True)
    (directory / "manifest.json").write_text(json.dumps(changed))
    try:
        entries = manifest.read(directory)
    except ServingError as error:
        assert error.code in (Code.INVALID_ARGUMENT, Code.FAILED_PRECONDITION)
        return
    for entry in entries.values():
        with pytest.raises(ServingError, match="must hold `"):
            manifest.read_file(directory, entry.file)


def file_of(directory, signature="decode"):
    return manifest.read(directory)[signature].file


def test_reads_a_file(linear_version):
    content = manifest.read_file(linear_version, file_of(linear_version))
    assert content == (linear_version / "onnx/decode.onnx").read_bytes()


@pytest.mark.parametrize("change", ["byte", "shorter", "longer", "huge"])
def test_a_changed_file_is_refused(version_copy, change):
    path = version_copy / "onnx" / "decode.onnx"
    content = path.read_bytes()
    changed = {
        "byte": content[:-1] + bytes([content[-1] ^ 1]),
        "shorter": content[:-1],
        "longer": content + b"x",
        "huge": content,
    }
    path.write_bytes(changed[change])
    if change == "huge":
        os.truncate(path, 2**40)
    with pytest.raises(ServingError, match="not copied whole") as caught:
        manifest.read_file(version_copy, file_of(version_copy))
    assert caught.value.code is Code.DATA_LOSS


def test_a_missing_file(version_copy):
    (version_copy / "onnx" / "decode.onnx").unlink()
    with pytest.raises(ServingError, match=r"hold `onnx/decode.onnx`") as found:
        manifest.read_file(version_copy, file_of(version_copy))
    assert found.value.code is Code.NOT_FOUND


@pytest.mark.parametrize("link", ["file", "folder"])
def test_a_file_that_leads_elsewhere(version_copy, tmp_path, link):
    name = {"file": "onnx/decode.onnx", "folder": "onnx"}[link]
    (version_copy / name).rename(tmp_path / "elsewhere")
    (version_copy / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ServingError, match="Nothing was read there"):
        manifest.read_file(version_copy, file_of(version_copy))
