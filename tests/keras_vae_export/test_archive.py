import zipfile

import pytest

from keras_vae_export import archive

pytestmark = pytest.mark.once


@pytest.fixture
def saved(make_kind, tmp_path):
    path = tmp_path / "model.keras"
    make_kind("conv_bernoulli").save(path)
    return path


def test_what_keras_writes_passes(saved):
    archive.check(saved)
    archive.check(saved, compiled=True)


def test_what_other_tools_pack_passes(saved, tmp_path):
    # Compressed, with folders and with the files of a layer.
    path = tmp_path / "packed.keras"
    with zipfile.ZipFile(saved) as old:
        entries = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        new.mkdir("assets")
        new.writestr("assets/layers/lookup/vocabulary.txt", "a\nb")
        for name, content in entries.items():
            new.writestr(name, content)
    archive.check(path)


def test_what_is_large_and_shrinks_little_passes(saved, monkeypatch):
    monkeypatch.setattr(archive, "_QUESTIONED_SIZE", 10)
    archive.check(saved)


def test_a_large_config_is_refused(saved, monkeypatch):
    monkeypatch.setattr(archive, "_MAX_CONFIG_SIZE", 10)
    with pytest.raises(ValueError, match="must have at most 10 bytes. Rec"):
        archive.check(saved)


def test_an_encrypted_entry(saved):
    content = saved.read_bytes()
    at = content.rindex(b"PK\x01\x02") + 8  # The flags of the last entry.
    saved.write_bytes(content[:at] + b"\x01" + content[at + 1 :])
    with pytest.raises(ValueError, match="must be stored or deflated. Recei"):
        archive.check(saved)


def test_a_file_that_is_missing(tmp_path):
    with pytest.raises(FileNotFoundError):
        archive.check(tmp_path / "missing.keras")
