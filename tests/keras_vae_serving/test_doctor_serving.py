import json
import sys
import tracemalloc

import numpy as np
import pytest

from keras_vae_serving import doctor, extras
from keras_vae_serving.backends import UsageError
from keras_vae_serving.checkup import examples, saved_model, warmup
from keras_vae_serving.checkup.saved_model import Answer
from tests.keras_vae_serving.checkup.warmup_files import records, request
from tests.keras_vae_serving.directories import (
    LINEAR,
    REFERENCE_FILE,
    SIGNATURES,
    file_hashes,
    write_manifest,
    write_version,
)

pytestmark = pytest.mark.once

VERSIONS = {"onnxruntime": "1.31.1", "tensorflow-cpu": "2.21.0"}
SAVED_MODEL = "saved_model.pb"


@pytest.fixture
def models(tmp_path):
    """A directory of models that holds digits/1."""
    write_version(tmp_path / "models" / "digits", 1)
    return tmp_path / "models"


@pytest.fixture
def version(models):
    return models / "digits" / "1"


@pytest.fixture(autouse=True)
def installed(monkeypatch):
    monkeypatch.setattr(extras, "installed_version", VERSIONS.get)


@pytest.fixture
def check(models, capsys):
    """Calls the doctor; returns its exit code and its report."""

    def check(*arguments, directory=models):
        line = ["--serving", str(directory), "--json", *map(str, arguments)]
        code = doctor.main(line)
        return code, json.loads(capsys.readouterr().out)

    return check


@pytest.fixture
def tensorflow(monkeypatch, version):
    """Stands in for TensorFlow, on a version with a SavedModel."""
    seen = {}
    taken = {name: LINEAR.specs()[name][0] for name in SIGNATURES}

    def inputs_of(name, given):
        tensors = {
            key: (np.dtype(dtype), tuple(_size(size) for size in shape))
            for key, (dtype, shape) in taken[name].items()
        }
        fits = examples.fits(given, tensors)
        return given if fits else examples.make(tensors)

    def answer(directory, inputs):
        seen.update(inputs)
        outputs = {
            name: LINEAR.run(name, inputs_of(name, inputs.get(name, {})))
            for name in taken
        }
        signatures = {name: list(inputs) for name, inputs in taken.items()}
        return Answer(signatures, {}, outputs)

    save(version, SAVED_MODEL, b"a graph")
    save(version, warmup.FILE, records(request("decode", {"z": Z})))
    monkeypatch.setattr(saved_model, "run", answer)
    return seen


def _size(size):
    return None if size == "N" else size


Z = np.linspace(-1, 1, 9, dtype="float32").reshape(3, 3)


def save(version, name, content):
    """Writes a file, and its hash to the manifest."""
    (version / name).parent.mkdir(exist_ok=True)
    (version / name).write_bytes(content)
    edit(version, files=file_hashes(version))


def edit(version, **changes):
    manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    write_manifest(version, manifest | changes)


def save_reference(version, inputs, outputs, tmp_path):
    sides = {"inputs": inputs, "outputs": outputs}
    arrays = {
        f"{side}/{signature}/{name}": value
        for side, signatures in sides.items()
        for signature, values in signatures.items()
        for name, value in values.items()
    }
    np.savez(tmp_path / "r.npz", exact=True, **arrays)
    save(version, REFERENCE_FILE, (tmp_path / "r.npz").read_bytes())


def only(report, kind="problems"):
    (text,) = report[kind]
    return text


def test_a_directory_that_loads_here(check):
    code, report = check()
    assert (code, report["ok"], report["problems"]) == (0, True, [])
    (found,) = report["models"][0]["versions"]
    assert set(found["here"]) >= {*SIGNATURES, "serving_default"}
    assert found["tensorflow"] is None
    assert found["max_difference"] is None
    assert "digits/1: TensorFlow Serving could not load it" in only(
        report, "notes"
    )


def test_the_table(models, capsys):
    write_version(models / "digits", 2)
    write_version(models / "letters", 10)
    (models / "empty").mkdir()
    assert doctor.main(["--serving", str(models)]) == 1
    out = capsys.readouterr().out
    lines = [line.split() for line in out.splitlines()]
    title = f"{models}, on onnxruntime 1.31.1, tensorflow 2.21.0"
    assert out.startswith(title)
    assert "digits 2 8 signatures ran not asked -".split() in lines
    assert "letters 10 8 signatures ran not asked -".split() in lines
    assert "Problems" in out and "Notes" in out
    assert out.rstrip().endswith("1 problem found.")


def test_an_outcome_without_tensorflow(models, capsys, monkeypatch):
    monkeypatch.setattr(extras, "installed_version", lambda name: None)
    monkeypatch.setattr("keras_vae_serving.backends.is_installed", VERSIONS.get)
    assert doctor.main(["--serving", str(models / "digits" / "1")]) == 0
    out = capsys.readouterr().out
    assert "no tensorflow" in out
    assert "TensorFlow is not installed here" in out


def test_a_model_with_conditions_and_one_that_is_recurrent(tmp_path, check):
    model = LINEAR._replace(condition_dim=2, recurrent=True)
    write_version(tmp_path / "others" / "cond", 1, model)
    code, _ = check(directory=tmp_path / "others")
    assert code == 0


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (["--serving", "/nowhere"], "must be given a directory of models"),
        (["--serving"], "expected one argument"),
        (
            ["--models-config-file", "models.config"],
            "`--models-config-file` must follow `--serving DIR`",
        ),
    ],
)
def test_bad_usage(line, message):
    with pytest.raises(UsageError, match=message):
        doctor.main(line)


def test_a_missing_package_is_told(models, monkeypatch):
    for name in [*sys.modules]:
        if name.startswith(("keras_vae_serving.", "onnxruntime")):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    monkeypatch.delattr("keras_vae_serving.doctor_serving", raising=False)
    with pytest.raises(UsageError, match=r"pip install .keras-vae\[serving\]"):
        doctor.main(["--serving", str(models)])


def test_nothing_to_serve(check, tmp_path):
    (tmp_path / "none").mkdir()
    code, report = check(directory=tmp_path / "none")
    assert code == 1
    assert "holds no model. Write one with `keras-vae export" in only(report)


def test_a_changed_file(check, version):
    (version / "onnx" / "decode.onnx").write_bytes(b"changed")
    code, report = check()
    assert code == 1
    hashed, refused = report["problems"]
    assert "digits/1: `onnx/decode.onnx` is not what was exported" in hashed
    assert "digits/1: This server could not load it. `onnx/" in refused


def test_a_missing_file_that_this_server_does_not_read(check, version):
    (version / REFERENCE_FILE).unlink()
    code, report = check()
    assert code == 1
    assert f"must hold `{REFERENCE_FILE}`" in only(report)


def test_no_manifest(check, version):
    (version / "manifest.json").unlink()
    code, report = check(directory=version.parent)
    assert code == 1
    assert "This server could not load it" in only(report)
    assert "must hold `manifest.json`" in only(report)


@pytest.mark.parametrize("files", [7, {"../x": {}}, {"onnx/decode.onnx": 1}])
def test_a_manifest_of_nonsense(check, version, files):
    edit(version, files=files, parity={"reference": 3})
    code, report = check()
    assert code == 1
    assert "This server could not load it" in report["problems"][-1]


def test_a_manifest_of_a_gibibyte(check, version):
    """It is not read whole, by none of the checks."""
    with (version / "manifest.json").open("r+b") as file:
        file.truncate(2**30)
    tracemalloc.start()
    try:
        code, report = check()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert code == 1
    assert "must have at most 4194304 bytes" in only(report)
    assert peak < 100 * 2**20


def test_a_saved_model_that_was_not_copied(check, version):
    files = file_hashes(version)
    edit(version, files=files | {SAVED_MODEL: files["onnx/decode.onnx"]})
    code, report = check()
    assert code == 1
    missing, could_not = report["problems"]
    assert "must hold `saved_model.pb`" in missing
    assert "could not load it: no `saved_model.pb`" in could_not


def test_a_version_without_onnx(check, version, tensorflow):
    manifest = json.loads((version / "manifest.json").read_text("utf-8"))
    for signature in manifest["signatures"].values():
        signature["files"] = {"tf_saved_model": SAVED_MODEL}
    write_manifest(version, manifest)
    code, report = check()
    assert code == 0
    assert "this server cannot" in only(report, "notes")


def test_both_servers_agree(check, version, tensorflow, tmp_path):
    inputs, outputs = {"z": Z}, LINEAR.decode(Z)
    save_reference(version, {"decode": inputs}, {"decode": outputs}, tmp_path)
    code, report = check()
    assert (code, report["problems"]) == (0, [])
    (found,) = report["models"][0]["versions"]
    assert set(found["tensorflow"]) == set(SIGNATURES)
    assert found["max_difference"] < 1e-5
    for name in ("decode", "serving_default"):
        assert (tensorflow[name]["z"] == Z).all()


def test_they_differ(check, version, tensorflow, monkeypatch, tmp_path):
    save_reference(version, {"decode": {"z": Z}}, {"decode": {}}, tmp_path)
    run = saved_model.run

    def shifted(directory, inputs):
        answer = run(directory, inputs)
        answer.outputs["decode"]["x"] += np.float32(0.1)
        return answer

    monkeypatch.setattr(saved_model, "run", shifted)
    code, report = check()
    assert code == 1
    assert "`x` of `decode` differs by 0." in only(report)
    assert "between this server and TensorFlow" in only(report)
    (found,) = report["models"][0]["versions"]
    assert found["max_difference"] > 0.01


def test_both_differ_from_the_export(check, version, tensorflow, tmp_path):
    wrong = {"x": LINEAR.decode(Z)["x"] * np.float32(np.nan)}
    save_reference(version, {"decode": {"z": Z}}, {"decode": wrong}, tmp_path)
    code, report = check()
    assert code == 1
    assert "between this server and the export" in report["problems"][0]
    assert "between TensorFlow and the export" in report["problems"][-1]
    (found,) = report["models"][0]["versions"]
    assert found["max_difference"] == "inf"


def test_a_reference_that_cannot_be_read(check, version):
    save(version, REFERENCE_FILE, b"no archive")
    code, report = check()
    assert code == 1
    assert "must be an .npz file of NumPy's" in only(report)


def test_a_reference_that_does_not_fit(check, version, tensorflow, tmp_path):
    short = {"decode": {"z": Z.astype("float64")}}
    save_reference(version, short, {}, tmp_path)
    assert check()[0] == 0


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer({}, {}, {}, "OSError: x"), "could not load it: OSError: x"),
        (
            Answer({"a": []}, {"b": "ValueError: y"}, {}),
            "`b` fails in TensorFlow: ValueError: y",
        ),
        (Answer({}, {}, {}), "The SavedModel has no signature that runs"),
    ],
)
def test_tensorflow_fails(
    check, version, tensorflow, monkeypatch, answer, problem
):
    (version / warmup.FILE).unlink()
    edit(version, files=file_hashes(version))
    monkeypatch.setattr(saved_model, "run", lambda *_: answer)
    code, report = check()
    assert code == 1
    assert problem in only(report)


def test_no_warmup(check, version, tensorflow):
    (version / warmup.FILE).unlink()
    edit(version, files=file_hashes(version))
    code, report = check()
    assert code == 0
    assert "TensorFlow Serving's first answers" in only(report, "notes")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"nonsense", "must be a TFRecord"),
        (records(request("nope", {})), "`nope`, which is no signature"),
        (
            records(
                request(
                    "generate",
                    {
                        "num_samples": np.array(1, "int32"),
                        "seed": np.array(7),
                        "temperature": np.array(1, "float32"),
                    },
                )
            ),
            "with `--enable_batching` could not load it",
        ),
    ],
)
def test_bad_warmup(check, version, tensorflow, content, problem):
    save(version, warmup.FILE, content)
    code, report = check()
    assert code == 1
    assert problem in only(report)


def test_a_models_config(check, models, tmp_path):
    path = tmp_path / "models.config"
    config = 'config { name: "digits" base_path: "/models/%s" }'
    for name, expected in (("digits", 0), ("letters", 1)):
        path.write_text(f"model_config_list {{ {config % name} }}", "utf-8")
        code, report = check("--models-config-file", path)
        assert code == expected
    assert "`base_path` must be a directory" in only(report)
