"""What stands in the wheel that users install."""

import configparser
import email
import pathlib
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

pytestmark = pytest.mark.once

ROOT = pathlib.Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
PACKAGES = {
    "keras_vae": ROOT / "keras_vae",
    "keras_vae_export": ROOT / "export" / "keras_vae_export",
    "keras_vae_serving": ROOT / "serving" / "keras_vae_serving",
}
BACKEND_EXTRAS = ("tensorflow", "jax", "torch")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    command = "-m build --wheel --no-isolation --outdir".split()
    done = subprocess.run(
        [sys.executable, *command, str(out), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    with zipfile.ZipFile(path) as archive:
        yield archive


@pytest.fixture(scope="module")
def info(wheel):
    """The name of the .dist-info folder."""
    (folder,) = {
        name.partition("/")[0]
        for name in wheel.namelist()
        if ".dist-info/" in name
    }
    return folder


@pytest.fixture(scope="module")
def metadata(wheel, info):
    return email.message_from_bytes(wheel.read(f"{info}/METADATA"))


def test_the_wheel_holds_the_three_packages_alone(wheel, info):
    # The names `export` and `serving` belong to others: never at the top.
    top = {name.partition("/")[0] for name in wheel.namelist()}
    assert top == {*PACKAGES, info}


@pytest.mark.parametrize("package", PACKAGES)
def test_the_wheel_holds_every_file_of_a_package(wheel, package):
    folder = PACKAGES[package]
    files = {
        f"{package}/{path.relative_to(folder).as_posix()}"
        for path in folder.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    packed = {n for n in wheel.namelist() if n.startswith(f"{package}/")}
    assert packed == files
    assert {f"{package}/__init__.py", f"{package}/py.typed"} <= packed


def test_the_console_script(wheel, info):
    parser = configparser.ConfigParser()
    parser.read_string(wheel.read(f"{info}/entry_points.txt").decode())
    assert dict(parser["console_scripts"]) == {
        "keras-vae": "keras_vae_serving.command:main"
    }


def test_the_licence_is_packed(wheel, info, metadata):
    assert metadata["License-Expression"] == "Apache-2.0"
    packed = wheel.read(f"{info}/licenses/LICENSE")
    assert packed == (ROOT / "LICENSE").read_bytes()


def test_the_extras(metadata):
    extras = metadata.get_all("Provides-Extra")
    assert set(extras) == set(PROJECT["optional-dependencies"])
    assert {*BACKEND_EXTRAS, "export", "cli", "test", "all"} <= set(extras)


def test_keras_vae_alone_requires_no_backend(metadata):
    required = [
        re.match(r"[\w.-]+", line).group()
        for line in metadata.get_all("Requires-Dist")
        if "extra ==" not in line
    ]
    assert sorted(required) == ["keras", "numpy"]


@pytest.mark.parametrize("extra", BACKEND_EXTRAS)
def test_the_extra_of_a_backend_brings_that_backend_alone(metadata, extra):
    lines = metadata.get_all("Requires-Dist")
    mine = [line for line in lines if line.endswith(f"extra == '{extra}'")]
    assert [re.match(r"[\w.-]+", line).group() for line in mine] == [extra]


def test_one_version_everywhere(metadata):
    citation = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {metadata['Version']}\n" in citation


def test_constraints_fix_every_requirement(metadata):
    pinned = set(
        re.findall(
            r"^([\w.-]+)==[\d.]+$",
            (ROOT / "constraints.txt").read_text("utf-8"),
            re.MULTILINE,
        )
    )
    required = {
        re.match(r"[\w.-]+", line).group().replace("_", "-")
        for line in metadata.get_all("Requires-Dist")
    }
    assert required - {"keras-vae"} <= pinned
