"""What is not installed skips, and says how to install it."""

import json
import sys

import pytest

from tests.keras_vae_export.runtimes import in_javascript, in_python

pytestmark = pytest.mark.once


@pytest.mark.parametrize("runtime", in_python.MODULES)
def test_a_package_is_missing(runtime, monkeypatch):
    monkeypatch.setitem(sys.modules, in_python.MODULES[runtime], None)
    message = r'is not installed. Run `pip install "keras-vae\[runtimes\]"`'
    with pytest.raises(pytest.skip.Exception, match=message):
        in_python.load(runtime, "decode.onnx")


@pytest.fixture
def installed(monkeypatch, tmp_path):
    """Says which programs are on the path, and that the packages are."""

    def describe(*programs):
        hidden = tmp_path / "node_modules" / ".package-lock.json"
        hidden.parent.mkdir()
        hidden.touch()
        monkeypatch.setattr(in_javascript, "WEB", tmp_path)
        monkeypatch.setattr(
            in_javascript.shutil,
            "which",
            lambda name: f"/bin/{name}" if name in programs else None,
        )
        monkeypatch.setattr(in_javascript, "major_version", lambda node: 20)

    return describe


@pytest.mark.parametrize("runtime", in_javascript.RUNTIMES)
def test_node_is_missing(runtime, installed):
    installed("chromium")
    message = "Node.js 20 or newer is not installed. .*`npm ci` in "
    with pytest.raises(pytest.skip.Exception, match=message):
        in_javascript.command(runtime)


def test_node_is_too_old(installed, monkeypatch):
    installed("node")
    monkeypatch.setattr(in_javascript, "major_version", lambda node: 18)
    with pytest.raises(pytest.skip.Exception, match="20 or newer is not"):
        in_javascript.command("node")


@pytest.mark.parametrize("runtime", in_javascript.RUNTIMES)
def test_the_packages_of_node_are_missing(runtime, installed, tmp_path):
    installed("node", "chromium")
    (tmp_path / "node_modules" / ".package-lock.json").unlink()
    message = "`onnxruntime-web` .* not installed. Run `npm ci` in "
    with pytest.raises(pytest.skip.Exception, match=message):
        in_javascript.command(runtime)


def test_chromium_is_missing(installed):
    installed("node")
    assert in_javascript.command("node")[0] == "/bin/node"
    message = "Chromium is not installed. .*`apt-get install chromium`"
    with pytest.raises(pytest.skip.Exception, match=message):
        in_javascript.command("chromium")


def test_the_lock_file_fixes_packages_and_names_no_host():
    text = (in_javascript.WEB / "package-lock.json").read_text("utf-8")
    package, *others = json.loads(text)["packages"].values()
    assert set(package["dependencies"]) == {
        "onnxruntime-web",
        "playwright-core",
    }
    assert others
    for one in others:
        assert one["integrity"].startswith("sha512-")
    assert "://" not in text
