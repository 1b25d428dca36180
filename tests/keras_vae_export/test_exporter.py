import pathlib

import pytest

import keras_vae_export
from keras_vae_export import ExportError, process
from keras_vae_export.requests import Report


@pytest.fixture
def requests(monkeypatch):
    """Writes stand-ins for the files, and collects what was asked for."""
    asked = []

    def run(request):
        asked.append(request)
        folder = pathlib.Path(request.directory)
        if "tf_saved_model" in request.formats:
            (folder / "saved_model.pb").write_text("saved model")
            (folder / "variables").mkdir()
        if "onnx" in request.formats:
            (folder / "onnx").mkdir()
            (folder / "onnx" / "decode.onnx").write_text("onnx")
        return Report(0.0, {}, {}, {})

    monkeypatch.setattr(process, "run", run)
    return asked


def test_a_version_directory(requests, make_kind, tmp_path, tree):
    path = keras_vae_export.export(make_kind(), tmp_path / "models")
    assert path == tmp_path / "models" / "tiny" / "1"
    assert tree(path) == [
        "MODEL_CARD.md",
        "assets.extra",
        "assets.extra/reference.npz",
        "manifest.json",
        "onnx",
        "onnx/decode.onnx",
        "saved_model.pb",
        "variables",
    ]
    assert tree(tmp_path / "models") == sorted(
        ["tiny", "tiny/1", *(f"tiny/1/{name}" for name in tree(path))]
    )


def test_versions_count_up(requests, make_kind, tmp_path):
    vae = make_kind()
    paths = [
        keras_vae_export.export(vae, str(tmp_path), ["onnx"], name="a", **more)
        for more in ({}, {"version": 7}, {})
    ]
    assert [path.name for path in paths] == ["1", "7", "8"]
    assert [request.formats for request in requests] == [("onnx",)] * 3


def test_a_run_directory(requests, make_kind, tmp_path):
    run = tmp_path / "runs" / "digits"
    run.mkdir(parents=True)
    make_kind().save(run / "model.keras")
    path = keras_vae_export.export(run, tmp_path / "models")
    assert path == tmp_path / "models" / "digits" / "1"


def test_modules_that_are_named_come_first(
    requests, make_kind, import_file, tmp_path
):
    import_file("user_layers_f", "names = []")
    keras_vae_export.export(make_kind(), tmp_path, imports=["user_layers_f"])
    assert requests[0].imports == ("user_layers_f",)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"name": "../x"}, ValueError, "`name` must consist of"),
        ({"version": 0}, ValueError, "`version` must be a positive integer"),
        ({"version": "1"}, TypeError, "`version` must be a positive integer"),
        ({"formats": ["h5"]}, ValueError, "`formats` must be one of"),
        ({"imports": ["a/b"]}, ValueError, "`imports` must hold full names"),
        ({"imports": ["missing_module_x"]}, ExportError, "'missing_module_x'"),
    ],
)
def test_bad_arguments(
    arguments, error, message, requests, make_kind, tmp_path, tree
):
    with pytest.raises(error, match=message):
        keras_vae_export.export(make_kind(), tmp_path / "out", **arguments)
    assert not requests
    assert tree(tmp_path) == []


def test_an_unsafe_name_of_a_run(requests, make_kind, tmp_path):
    run = tmp_path / "my run"
    run.mkdir()
    make_kind().save(run / "model.keras")
    with pytest.raises(ValueError, match="`name` must .*name='my run'"):
        keras_vae_export.export(run, tmp_path / "out")


def test_an_existing_version(requests, make_kind, tmp_path, tree):
    (tmp_path / "tiny" / "3").mkdir(parents=True)
    (tmp_path / "tiny" / "3" / "theirs").write_text("theirs")
    with pytest.raises(FileExistsError, match="`version` must be new"):
        keras_vae_export.export(make_kind(), tmp_path, version=3)
    assert not requests
    assert tree(tmp_path) == ["tiny", "tiny/3", "tiny/3/theirs"]


def test_a_missing_library(requests, make_kind, tmp_path, monkeypatch, tree):
    monkeypatch.setattr(
        "importlib.util.find_spec",
        lambda name: None if name == "tf2onnx" else object(),
    )
    vae = make_kind()
    message = r"needs `tf2onnx`.*keras-vae\[export\]"
    for export in (
        lambda: keras_vae_export.export(vae, tmp_path / "out"),
        lambda: vae.export(tmp_path / "a.onnx", format="onnx"),
    ):
        with pytest.raises(ImportError, match=message):
            export()
    assert not requests
    assert tree(tmp_path) == []


@pytest.mark.parametrize("error", [ExportError, KeyboardInterrupt, OSError])
def test_a_failure_leaves_nothing(
    error, make_kind, tmp_path, monkeypatch, tree
):
    def run(request):
        folder = pathlib.Path(request.directory)
        (folder / "saved_model.pb").write_text("half")
        raise error("planted")

    monkeypatch.setattr(process, "run", run)
    vae = make_kind()
    for export in (
        lambda: keras_vae_export.export(vae, tmp_path / "out"),
        lambda: vae.export(tmp_path / "out" / "model"),
    ):
        with pytest.raises(error, match="planted"):
            export()
        assert tree(tmp_path) == []


def test_a_manifest_that_cannot_be_written_leaves_nothing(
    requests, make_kind, tmp_path, monkeypatch, tree
):
    def write(directory, content):
        raise OSError("No space left on device")

    monkeypatch.setattr("keras_vae_export.manifest.write", write)
    with pytest.raises(OSError, match="No space left"):
        keras_vae_export.export(make_kind(), tmp_path / "out")
    assert len(requests) == 1
    assert tree(tmp_path) == []


def test_another_exporter_was_faster(make_kind, tmp_path, monkeypatch, tree):
    def run(request):
        theirs = tmp_path / "tiny" / "1"
        theirs.mkdir()
        (theirs / "theirs").write_text("theirs")
        return Report(0.0, {}, {}, {})

    monkeypatch.setattr(process, "run", run)
    with pytest.raises(FileExistsError, match="nothing was overwritten"):
        keras_vae_export.export(make_kind(), tmp_path)
    assert tree(tmp_path) == ["tiny", "tiny/1", "tiny/1/theirs"]


def test_one_file(requests, make_kind, tmp_path, tree):
    vae = make_kind()
    vae.export(tmp_path / "new" / "a.onnx", format="onnx")
    vae.export(tmp_path / "b.onnx", format="onnx", signature="decode")
    assert tree(tmp_path) == ["b.onnx", "new", "new/a.onnx"]
    assert (tmp_path / "b.onnx").read_text() == "onnx"


def test_one_saved_model(requests, make_kind, tmp_path, tree):
    make_kind().export(tmp_path / "model")
    expected = ["model", "model/saved_model.pb", "model/variables"]
    assert tree(tmp_path) == expected


@pytest.mark.parametrize(
    ("path", "arguments", "error", "message"),
    [
        ("a", {"format": "h5"}, ValueError, "`format` must be one of"),
        ("a", {"signature": "serve"}, ValueError, "`signature` must be one"),
        ("a", {"format": "onnx"}, ValueError, "`filepath` must end in"),
        ("a.pb", {"format": "onnx"}, ValueError, "`filepath` must end in"),
        ("there", {}, FileExistsError, "nothing was overwritten"),
        ("there.onnx", {"format": "onnx"}, FileExistsError, "nothing was"),
    ],
)
def test_bad_arguments_of_one_file(
    path, arguments, error, message, requests, make_kind, tmp_path, tree
):
    (tmp_path / "there").mkdir()
    (tmp_path / "there.onnx").write_text("theirs")
    with pytest.raises(error, match=message):
        make_kind().export(tmp_path / path, **arguments)
    assert not requests
    assert tree(tmp_path) == ["there", "there.onnx"]
    assert (tmp_path / "there.onnx").read_text() == "theirs"


def test_a_path_is_no_model_in_memory(tmp_path):
    with pytest.raises(TypeError, match="`model` must be a VAE"):
        keras_vae_export.export_model("runs/digits", tmp_path / "a")
