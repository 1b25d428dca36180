import errno
import os
import pathlib
import stat

import pytest

from keras_vae_export import version_directory
from keras_vae_export.version_directory import hidden_sibling, publish

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], 1),
        (["1", "2"], 3),
        (["9", "10"], 11),
        (["007"], 8),
        ([".4.tmp-0a", "x", "-3", "5a", "²"], 1),
    ],
)
def test_next_version(names, expected, tmp_path):
    for name in names:
        (tmp_path / name).mkdir()
    assert version_directory.next_version(tmp_path) == expected
    assert version_directory.next_version(tmp_path / "missing") == 1


@pytest.mark.parametrize("name", ["2", "002"])
def test_an_existing_version_is_refused(name, tmp_path):
    (tmp_path / name).mkdir()
    message = "`version` must be new. Received: version=2.*Pass `version=3`"
    with pytest.raises(FileExistsError, match=message):
        version_directory.check_new_version(tmp_path, 2)
    version_directory.check_new_version(tmp_path, 3)


def test_a_directory_is_published_whole(tmp_path, tree):
    final = tmp_path / "models" / "digits" / "1"
    with hidden_sibling(final) as hidden:
        assert hidden.parent == final.parent
        assert hidden.name.startswith(".1.tmp-")
        (hidden / "onnx").mkdir()
        (hidden / "onnx" / "a").write_text("a")
        assert not final.exists()
        publish(hidden, final)
    assert tree(final.parent) == ["1", "1/onnx", "1/onnx/a"]


@pytest.mark.skipif(
    os.name != "posix", reason="Other systems have no permission bits."
)
def test_others_may_read_it_as_the_umask_says(tmp_path):
    umask = os.umask(0o022)
    try:
        with hidden_sibling(tmp_path / "m" / "1") as hidden:
            publish(hidden, tmp_path / "m" / "1")
    finally:
        os.umask(umask)
    for path in (tmp_path / "m", tmp_path / "m" / "1"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o755


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing(error, tmp_path, tree):
    final = tmp_path / "models" / "digits" / "1"
    with pytest.raises(error):
        with hidden_sibling(final) as hidden:
            (hidden / "half").write_text("half")
            raise error
    assert tree(tmp_path) == []


def test_a_failure_leaves_what_was_there(tmp_path, tree):
    (tmp_path / "models" / "digits" / "1").mkdir(parents=True)
    with pytest.raises(ValueError, match="planted"):
        with hidden_sibling(tmp_path / "models" / "digits" / "2"):
            raise ValueError("planted")
    assert tree(tmp_path) == ["models", "models/digits", "models/digits/1"]


@pytest.mark.parametrize("content", [[], ["theirs"]])
def test_who_comes_second_overwrites_nothing(content, tmp_path, tree):
    final = tmp_path / "1"
    with pytest.raises(FileExistsError, match="nothing was overwritten"):
        with hidden_sibling(final) as hidden:
            (hidden / "mine").write_text("mine")
            final.mkdir()
            for name in content:
                (final / name).write_text(name)
            publish(hidden, final)
    assert tree(tmp_path) == ["1", *(f"1/{name}" for name in content)]


def test_a_rename_onto_a_version_that_just_came_is_refused(
    tmp_path, monkeypatch, tree
):
    final = tmp_path / "1"
    checks = []

    def check_free(path, late):
        # The other exporter publishes between the check and the rename.
        if not checks:
            final.mkdir()
            (final / "theirs").write_text("theirs")
        elif final.exists():
            raise FileExistsError("An export must have a path of its own.")
        checks.append(path)

    monkeypatch.setattr(version_directory, "check_free", check_free)
    with pytest.raises(FileExistsError, match="a path of its own"):
        with hidden_sibling(final) as hidden:
            (hidden / "mine").write_text("mine")
            publish(hidden, final)
    assert tree(tmp_path) == ["1", "1/theirs"]


def test_a_file_is_published(tmp_path, tree):
    final = tmp_path / "new" / "decode.onnx"
    with hidden_sibling(final) as hidden:
        (hidden / "a").write_text("a")
        publish(hidden / "a", final)
    assert tree(tmp_path) == ["new", "new/decode.onnx"]
    assert final.read_text() == "a"


def test_a_file_that_just_came_is_not_replaced(tmp_path, monkeypatch, tree):
    final = tmp_path / "decode.onnx"
    free = iter([lambda: final.write_text("theirs")])
    check_free = version_directory.check_free

    def checked_late(path, late):
        for write in free:
            return write()
        return check_free(path, late=late)

    monkeypatch.setattr(version_directory, "check_free", checked_late)
    with pytest.raises(FileExistsError, match="nothing was overwritten"):
        with hidden_sibling(final) as hidden:
            (hidden / "a").write_text("mine")
            publish(hidden / "a", final)
    assert tree(tmp_path) == ["decode.onnx"]
    assert final.read_text() == "theirs"


def test_a_file_is_published_where_links_are_not_supported(
    tmp_path, monkeypatch
):
    def link(*args):
        raise PermissionError(errno.EPERM, "no links here")

    monkeypatch.setattr(os, "link", link)
    final = tmp_path / "decode.onnx"
    with hidden_sibling(final) as hidden:
        (hidden / "a").write_text("a")
        publish(hidden / "a", final)
    assert final.read_text() == "a"


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied"),
        OSError(errno.EROFS, "Read-only file system"),
        OSError(errno.ENOSPC, "No space left on device"),
    ],
)
def test_a_target_that_cannot_be_written(error, tmp_path, monkeypatch, tree):
    mkdir = pathlib.Path.mkdir

    def refuse(path, *args, **kwargs):
        if path.name.startswith(".1.tmp-"):
            raise error
        mkdir(path, *args, **kwargs)

    monkeypatch.setattr(pathlib.Path, "mkdir", refuse)
    message = f"where directories can be made. .*{error.strerror}"
    with pytest.raises(type(error), match=message):
        with hidden_sibling(tmp_path / "models" / "1"):
            pass
    assert tree(tmp_path) == []


def test_a_target_below_a_file(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="where directories can be made"):
        with hidden_sibling(tmp_path / "file" / "digits" / "1"):
            pass
    assert (tmp_path / "file").read_text() == ""
