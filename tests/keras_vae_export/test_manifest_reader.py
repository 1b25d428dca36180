import copy
import json

import jsonschema
import pytest

from keras_vae_export import ExportError, manifest_reader
from keras_vae_export.manifest import file_hashes
from keras_vae_export.signatures import Signature, TensorSpec

pytestmark = pytest.mark.once

SPEC_Z = {"name": "z", "dtype": "float32", "shape": ["N", 2]}
SPEC_X = {"name": "x", "dtype": "float32", "shape": ["N", 4, 4, 1]}
PART = {"class_name": "A", "registered_name": "a>A", "config": {}}
MANIFEST = {
    "format_version": 1,
    "name": "digits",
    "version": 1,
    "model": {"class_name": "VAE", "name": "vae"},
    "latent_dim": 2,
    "event_shape": [4, 4, 1],
    "dtypes": {"z": "float32", "x": "float32"},
    "likelihood": PART,
    "prior": PART,
    "signatures": {
        "decode": {
            "inputs": [SPEC_Z],
            "outputs": [SPEC_X],
            "files": {"onnx": "onnx/decode.onnx"},
            "saved_model_names": [],
        }
    },
    "rng": {
        "algorithm": "threefry2x32",
        "rounds": 20,
        "normals_per_sample": 2,
        "uniforms_per_sample": 0,
    },
    "parity": {
        "tolerance": 1e-5,
        "limits": {"decode": {"x": 1e-5}},
        "seed": 0,
        "batch_sizes": {"onnx/decode.onnx": [0, 1]},
        "reference": {
            "backend": "jax",
            "exact": True,
            "file": "assets.extra/reference.npz",
            "max_abs_difference": 0.0,
        },
        "files": {"onnx/decode.onnx": {"onnxruntime": 1e-7}},
        "png_levels": None,
    },
    "opset": 18,
    "versions": {"keras": "3"},
}


@pytest.fixture
def directory(tmp_path):
    folder = tmp_path / "1"
    for name in ("onnx/decode.onnx", "assets.extra/reference.npz"):
        (folder / name).parent.mkdir(parents=True)
        (folder / name).write_text(name)
    write(folder)
    return folder


def write(folder, *changes):
    """Writes the manifest; a change is a path of keys and a value."""
    content = copy.deepcopy({**MANIFEST, "files": file_hashes(folder)})
    for *keys, last, value in changes:
        place = content
        for key in keys:
            place = place[key]
        if value is None:
            del place[last]
        else:
            place[last] = value
    (folder / "manifest.json").write_text(json.dumps(content))


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(manifest_reader.schema())


def test_a_good_manifest(directory):
    content = manifest_reader.load(directory)
    assert content["name"] == "digits"
    assert manifest_reader.changes(directory, content) == []
    assert manifest_reader.signatures(content) == [
        Signature(
            "decode",
            (TensorSpec("z", "float32", ("N", 2)),),
            (TensorSpec("x", "float32", ("N", 4, 4, 1)),),
        )
    ]


def test_what_a_later_version_adds_is_ignored(directory):
    write(directory, ("added", 1), ("model", "added", 2))
    manifest_reader.load(directory)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("format_version", 2), "at format_version: 1 was expected"),
        (("latent_dim", None), "at its top: 'latent_dim' is a required"),
        (("latent_dim", "3"), "at latent_dim: '3' is not of type 'integer'"),
        (("name", "../x"), "at name: '../x' does not match"),
        (("version", 0), "at version: 0 is less than the minimum"),
        (("signatures", {}), "at signatures: "),
        (("rng", "algorithm", "mt19937"), "at rng/algorithm: "),
        (
            ("parity", "files", "onnx/decode.onnx", "onnxruntime", -1),
            "at parity/files/onnx/decode.onnx/onnxruntime: -1 is less",
        ),
        (
            ("signatures", "decode", "files", {"pickle": "a"}),
            "at signatures/decode/files: 'pickle' is not one of",
        ),
    ],
)
def test_what_the_schema_refuses(change, message, directory):
    write(directory, change)
    with pytest.raises(ExportError, match="must follow its schema") as caught:
        manifest_reader.load(directory)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "path",
    [
        "../../outside",
        "onnx/../../outside",
        "/etc/passwd",
        "..",
        "./onnx/decode.onnx",
        "C:/outside",
        "onnx\\..\\..\\outside",
        "a\nb",
        "a\x00b",
        "",
    ],
)
@pytest.mark.parametrize(
    "place",
    [
        ("signatures", "decode", "files", "onnx"),
        ("parity", "reference", "file"),
    ],
)
def test_a_path_that_leaves_the_directory(place, path, directory):
    (directory.parent / "outside").write_text("secret")
    write(directory, (*place, path))
    with pytest.raises(ExportError, match="must follow its schema"):
        manifest_reader.load(directory)


def test_a_hash_of_a_file_outside(directory):
    entry = {"sha256": "0" * 64, "size": 1}
    write(directory, ("files", "../outside", entry))
    with pytest.raises(ExportError, match="must follow its schema"):
        manifest_reader.load(directory)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_leads_out(what, directory):
    outside = directory.parent / "outside"
    (directory / "onnx").rename(outside)
    if what == "folder":
        (directory / "onnx").symlink_to(outside)
    else:
        (directory / "onnx").mkdir()
        link = directory / "onnx" / "decode.onnx"
        link.symlink_to(outside / "decode.onnx")
    with pytest.raises(ExportError, match="a link that leads out of it"):
        manifest_reader.load(directory)


def test_a_file_without_a_hash(directory):
    write(directory, ("files", "onnx/decode.onnx", None))
    with pytest.raises(ExportError, match="must give a hash for each file"):
        manifest_reader.load(directory)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("no JSON", "must be JSON"),
        ("[" * 100_000, "must be JSON"),
        ('{"latent_dim": NaN}', "NaN is no number of JSON"),
        ("9" * 5000, "must be JSON"),
        ("\xff", "must be JSON"),
        ("[]", "at its top: \\[\\] is not of type 'object'"),
        (" " * (2**24 + 1), "must have at most 16777216 bytes"),
    ],
)
def test_what_is_no_manifest(text, message, directory):
    (directory / "manifest.json").write_text(text, encoding="latin-1")
    with pytest.raises(ExportError, match=message):
        manifest_reader.load(directory)


def test_no_manifest(tmp_path):
    with pytest.raises(FileNotFoundError, match="must hold a manifest.json"):
        manifest_reader.load(tmp_path)


def corrupt(path):
    path.write_text("onnx/decode.onnX")


def lengthen(path):
    path.write_text("longer than it was")


def link(path):
    target = path.with_name("target")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    ("change", "problems"),
    [
        (corrupt, ["has the SHA-256"]),
        (lengthen, ["has 18 bytes, not 16"]),
        (lambda path: path.unlink(), ["is missing"]),
        (link, ["is no plain file", "was not exported"]),
        (lambda path: path.with_name("x").touch(), ["was not exported"]),
    ],
)
def test_changes_are_found(change, problems, directory):
    change(directory / "onnx" / "decode.onnx")
    content = manifest_reader.load(directory)
    found = manifest_reader.changes(directory, content)
    assert len(found) == len(problems)
    for sentence, words in zip(found, problems, strict=True):
        assert words in sentence
