"""What goes wrong while an export is written: nothing half-written is seen."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import pytest

import keras_vae_export
from keras_vae import cli
from keras_vae_export import (
    ExportError,
    manifest,
    onnx_file,
    process,
    saved_model,
    version_directory,
)
from tests.keras_vae_export.full_disk import FULL

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[2]
SECONDS = 120
POSIX_ONLY = pytest.mark.skipif(
    os.name != "posix", reason="This system has no signals and limits."
)


@pytest.fixture(scope="module")
def saved(make_kind, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "model.keras"
    make_kind().save(path)
    return path


def run_in_python(*arguments, start=subprocess.run, **options):
    """Runs Python as this process runs, on TensorFlow."""
    folders = [ROOT, ROOT / "export", ROOT / "serving"]
    paths = os.pathsep.join([*map(str, folders), *filter(None, sys.path)])
    environment = {**os.environ, "PYTHONPATH": paths}
    environment["KERAS_BACKEND"] = "tensorflow"
    return start(
        [*arguments], env=environment, stdin=subprocess.DEVNULL, **options
    )


# --- A disk that cannot be written --------------------------------------------


def private_mounts():
    """The command that runs another one with mounts of its own."""
    as_root = os.name == "posix" and os.geteuid() == 0
    users = [] if as_root else ["--user", "--map-root-user"]
    return ["unshare", *users, "--mount"]


@pytest.fixture(scope="module")
def on_small_disk(saved, tmp_path_factory):
    """What `full_disk` found, by its case."""
    disk = tmp_path_factory.mktemp("disk")
    mount = [*private_mounts(), "sh", "-c", MOUNT, "sh", str(disk)]
    try:
        can_mount = subprocess.run([*mount, "true"], capture_output=True)
    except FileNotFoundError:
        pytest.skip("This system has no `unshare`: no disk can be mounted.")
    if can_mount.returncode:
        pytest.skip(f"No disk can be mounted here: {can_mount.stderr!r}.")
    script = [sys.executable, "-m", "tests.keras_vae_export.full_disk"]
    done = run_in_python(
        *mount, *script, disk, saved, capture_output=True, timeout=SECONDS
    )
    assert done.returncode == 0, done.stderr.decode()
    found = map(json.loads, done.stdout.splitlines())
    return {one.pop("case"): one for one in found}


MOUNT = 'mount -t tmpfs -o size=4m tmpfs "$1" && shift && exec "$@"'
CAUSES = {
    **dict.fromkeys(FULL, "No space left on device"),
    "read-only": "Read-only file system",
}


@pytest.mark.slow
@pytest.mark.parametrize("case", CAUSES)
def test_a_disk_that_cannot_be_written(case, on_small_disk):
    found = on_small_disk[case]
    subject = "An export must go" if case == "read-only" else case
    assert found["code"] == 2
    assert found["err"].startswith(f"Error: {subject}")
    assert CAUSES[case] in found["err"]
    assert found["err"].count("\n") == 1
    assert found["left"] == []


@POSIX_ONLY
@pytest.mark.parametrize(
    ("module", "error", "message"),
    [
        (saved_model, ExportError, "The SavedModel could not be .*File too"),
        (onnx_file, ExportError, "`onnx/decode.onnx` could not .*File too"),
        (manifest, OSError, "The export to '.*/1' could not .*File too large"),
    ],
)
def test_a_limit_on_files(
    module, error, message, make_kind, tmp_path, monkeypatch, tree
):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    write = module.write

    def write_little(*arguments):
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            return write(*arguments)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(module, "write", write_little)
    formats = "tf_saved_model" if module is saved_model else "onnx"
    with pytest.raises(error, match=message) as caught:
        keras_vae_export.export(make_kind(), tmp_path / "models", formats)
    assert "\n" not in str(caught.value)
    assert tree(tmp_path) == []


def test_a_directory_without_permission(make_kind, tmp_path, tree):
    tmp_path.chmod(0o555)
    try:
        if os.access(tmp_path, os.W_OK):
            pytest.skip("Permission bits keep this user from nothing.")
        with pytest.raises(PermissionError, match="Permission denied"):
            keras_vae_export.export(make_kind(), tmp_path / "models")
        assert tree(tmp_path) == []
    finally:
        tmp_path.chmod(0o755)


def test_a_temporary_folder_that_cannot_be_written(
    make_kind, tmp_path, monkeypatch, tree
):
    def save(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(keras_vae_export.exporter.Reference, "save", save)
    message = "The temporary folder '.*' could not .*No space .*set TMPDIR"
    with pytest.raises(OSError, match=message):
        keras_vae_export.export(make_kind(), tmp_path / "models")
    assert tree(tmp_path) == []


# --- A process that is killed -------------------------------------------------


def kill_when_it_writes(running, models):
    """Kills a process when a hidden directory holds its first file."""
    give_up = time.monotonic() + SECONDS
    while running.poll() is None and time.monotonic() < give_up:
        if any(path.is_file() for path in models.rglob(".*.tmp-*/**/*")):
            break
        time.sleep(0.005)
    running.kill()
    return running.wait()


@POSIX_ONLY
@pytest.mark.slow
def test_an_exporter_that_is_killed(saved, make_kind, tmp_path, tree):
    models = tmp_path / "models"
    arguments = ["export", str(saved), f"--out={models}", "--name=tiny"]
    script = f"from keras_vae import cli; cli.main({arguments})"
    with open(tmp_path / "log", "wb") as log:
        options = {"stdout": log, "stderr": log}
        running = run_in_python(
            sys.executable, "-c", script, start=subprocess.Popen, **options
        )
        code = kill_when_it_writes(running, models)
    assert code == -signal.SIGKILL, (tmp_path / "log").read_text()
    (left,) = (models / "tiny").iterdir()
    assert left.name.startswith(".1.tmp-")
    assert tree(left) != []
    # What it left is in nobody's way, and stays.
    path = keras_vae_export.export(make_kind(), models, "onnx")
    assert path == models / "tiny" / "1"
    assert {one.name for one in path.parent.iterdir()} == {"1", left.name}
    assert not [one for one in tree(path) if ".tmp-" in one]


@POSIX_ONLY
@pytest.mark.slow
def test_a_tensorflow_process_that_is_killed(
    saved, tmp_path, tree, monkeypatch, capsys
):
    def run(arguments, **options):
        check = options.pop("check")
        assert not check
        running = subprocess.Popen(arguments, **options)
        code = kill_when_it_writes(running, tmp_path / "models")
        return subprocess.CompletedProcess(arguments, code, "last words")

    monkeypatch.setattr(process, "run_here", lambda: False)
    monkeypatch.setattr(process.subprocess, "run", run)
    code = cli.main(["export", str(saved), f"--out={tmp_path / 'models'}"])
    printed = capsys.readouterr()
    assert code == 2
    assert "ended before it was done (killed by SIGKILL)" in printed.err
    assert printed.err.count("\n") == 1
    assert tree(tmp_path) == []


# --- Two exporters ------------------------------------------------------------


def test_another_export_of_the_version_comes_first(
    make_kind, tmp_path, monkeypatch, tree
):
    """A whole export takes place just before the first one is published."""
    publish = version_directory.publish
    waiting = ["second"]

    def publish_second(hidden, final):
        if waiting:
            name = waiting.pop()
            vae = make_kind(name=name)
            options = {"name": "m", "version": 1}
            keras_vae_export.export(vae, tmp_path, "onnx", **options)
        return publish(hidden, final)

    monkeypatch.setattr(version_directory, "publish", publish_second)
    vae = make_kind(name="first")
    message = "/m/1', which came while this export was made, as by another"
    with pytest.raises(FileExistsError, match=message):
        keras_vae_export.export(vae, tmp_path, "onnx", name="m", version=1)
    assert [one.name for one in (tmp_path / "m").iterdir()] == ["1"]
    content = json.loads((tmp_path / "m" / "1" / "manifest.json").read_text())
    assert content["model"]["name"] == "second"


def test_exactly_one_of_two_wins(tmp_path):
    for version in range(1, 51):
        final = tmp_path / "m" / str(version)
        outcomes = publish_at_once(final, ["first", "second"])
        (winner,) = [name for name, one in outcomes.items() if one is None]
        (error,) = [one for one in outcomes.values() if one is not None]
        assert isinstance(error, FileExistsError)
        assert "which came while this export was made" in str(error)
        assert [one.name for one in final.iterdir()] == [winner]
    names = {one.name for one in (tmp_path / "m").iterdir()}
    assert names == set(map(str, range(1, 51)))


def publish_at_once(final, names):
    """Publishes directories to one path; returns the error of each."""
    barrier = threading.Barrier(len(names))
    outcomes = {}

    def export(name):
        try:
            with version_directory.hidden_sibling(final) as hidden:
                (hidden / name).touch()
                barrier.wait()
                version_directory.publish(hidden, final)
        except OSError as error:
            outcomes[name] = error
        else:
            outcomes[name] = None

    threads = [threading.Thread(target=export, args=(n,)) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes
