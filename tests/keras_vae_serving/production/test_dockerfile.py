import re

import pytest

from keras_vae_serving import serve_command
from tests.keras_vae_serving.production.files import SERVING, load, read

pytestmark = pytest.mark.once

ROOT = SERVING.parent
# Instruction and arguments; continued lines are joined.
LINES = [
    line.split(maxsplit=1)
    for line in re.sub(r"\\\n\s*", "", read("embedded/Dockerfile")).splitlines()
    if line and not line.startswith("#")
]


def arguments(instruction):
    return [rest for name, rest in LINES if name == instruction]


def test_what_is_copied_is_there_and_is_sent():
    ignored = read("embedded/Dockerfile.dockerignore").splitlines()
    assert "*" in ignored
    copied = []
    for line in arguments("COPY"):
        *sources, _ = line.split()
        copied += [one for one in sources if not line.startswith("--from")]
    assert "pyproject.toml" in copied
    for name in copied:
        assert (ROOT / name).exists()
        assert f"!{name}" in ignored


def test_it_does_not_run_as_root():
    names = [name for name, _ in LINES]
    (user,) = arguments("USER")
    assert user.partition(":")[0].isdigit() and user != "0"
    assert names.index("USER") < names.index("ENTRYPOINT")


def test_it_serves():
    (entrypoint,), (command,) = arguments("ENTRYPOINT"), arguments("CMD")
    assert re.findall(r'"([^"]+)"', entrypoint) == ["keras-vae", "serve"]
    parser = serve_command._parser()
    options = re.findall(r'"([^"]+)"', command)
    assert str(parser.parse_args(options).directory) == "/models"
    service = load("docker-compose.yml")["services"]["keras-vae-serving"]
    found = parser.parse_args(service["command"])
    assert (str(found.directory), found.host) == ("/models", "0.0.0.0")
    assert found.without_key


def test_its_ports_are_the_servers():
    parsed = serve_command._parser().parse_args(["/models"])
    ports = {str(parsed.port), str(parsed.rest_api_port)}
    assert set(arguments("EXPOSE")[0].split()) == ports
    (check,) = arguments("HEALTHCHECK")
    assert f":{parsed.rest_api_port}/readyz" in check


def test_python_is_one_that_the_package_takes():
    images = [line.split()[0] for line in arguments("FROM")]
    assert len(set(images)) == 1
    version = re.fullmatch(r"python:3\.(\d+)-slim", images[0]).group(1)
    assert int(version) >= 11
