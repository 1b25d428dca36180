import json
import pathlib
import shutil

import pytest

from keras_vae.cli import export

MANIFEST = {
    "name": "halves",
    "version": 3,
    "signatures": {
        "decode": {"files": {"onnx": "", "litert": "", "openvino": ""}},
        "encode": {"files": {"onnx": "", "openvino": ""}},
        "generate": {"files": {"onnx": ""}},
    },
    "parity": {
        "tolerance": 1e-5,
        "files": {"decode.onnx": {"onnxruntime": 2e-7}},
    },
}


@pytest.fixture
def exported(monkeypatch, tmp_path):
    """Stands in for the exporter; returns what it was called with."""
    calls = []

    def stand_in(run, out, **options):
        calls.append((run, out, options))
        (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
        return tmp_path

    monkeypatch.setattr(export.keras_vae_export, "export", stand_in)
    return calls


def test_options_reach_the_exporter(call, exported, tmp_path):
    options = ["--name=halves", "--version=3", "--format=onnx"]
    called = call(
        *["export", "runs/a", "--out=models", *options, "--import=my.layers"],
        *["--variant=int8", "--variant=folded", "--max-difference=0.2"],
        "--json",
    )
    assert called.code == 0
    assert exported == [
        (
            pathlib.Path("runs/a"),
            pathlib.Path("models"),
            {
                "formats": ("onnx",),
                "name": "halves",
                "version": 3,
                "imports": ("my.layers",),
                "variants": ("int8", "folded"),
                "max_difference": 0.2,
            },
        )
    ]
    assert called.json["version_directory"] == str(tmp_path)
    assert called.json["parity"] == MANIFEST["parity"]


def test_defaults(call, exported, tmp_path):
    called = call("export", "runs/a", "--out=models")
    assert exported[0][2] == {
        "formats": ("tf_saved_model", "onnx"),
        "name": None,
        "version": None,
        "imports": (),
        "variants": (),
        "max_difference": 0.1,
    }
    assert called.out.startswith(f"Exported: {tmp_path}\n")
    assert "decode.onnx  2.0e-07  in onnxruntime" in called.out


def test_what_is_left_out_is_told(call, exported):
    lines = call("export", "runs/a", "--out=models").out.splitlines()
    assert [line for line in lines if "left out" in line] == [
        "litert: decode; the seeded signatures are left out because LiteRT "
        "does not have the unsigned and float64 arithmetic of seeded noise.",
        "openvino: decode, encode; the seeded signatures are left out because "
        "OpenVINO computes the 64-bit arithmetic of seeded noise wrongly and "
        "reports no error.",
    ]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--format=pickle", "pickle"),
        ("--version=0", "--version"),
        ("--name=../up", "../up"),
        ("--import=no.such.module", "no.such.module"),
        ("--variant=int4", "int4"),
        ("--max-difference=0", "max_difference"),
    ],
)
def test_bad_input(call, trained, tmp_path, option, message):
    called = call("export", trained, f"--out={tmp_path / 'models'}", option)
    assert called.code == 2
    assert called.out == ""
    assert called.err.count("\n") == 1
    assert message in called.err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.once
def test_a_run_is_exported(call, trained, tmp_path):
    run = shutil.copytree(trained, tmp_path / "runs" / "halves")
    # Other tests evaluate the run too: what `train` measured comes first.
    evaluations = run / "evaluations.jsonl"
    evaluations.write_text(evaluations.read_text().splitlines()[0])
    called = call("export", run, f"--out={tmp_path}", "--json")
    assert called.code == 0
    version = pathlib.Path(called.json["version_directory"])
    assert version == tmp_path / "halves" / "1"
    assert (version / "saved_model.pb").exists()
    assert (version / "onnx" / "decode.onnx").exists()
    card = (version / "MODEL_CARD.md").read_text("utf-8")
    assert "\n- Data set: `halves.npz`\n" in card
    assert "\nOn the split `test`, 12 examples, binarised once" in card
    # All that the card names of a run is in it: but for the licence, and
    # log p(x), which `train` does not measure.
    lines = [line for line in card.splitlines() if "not recorded" in line]
    assert [line for line in lines if line.startswith("- ")] == [
        "- Licence: not recorded",
        "- log p(x): not recorded",
    ]
    parity = called.json["parity"]
    limit = max(max(one.values()) for one in parity["limits"].values())
    for runtimes in parity["files"].values():
        assert all(difference <= limit for difference in runtimes.values())
