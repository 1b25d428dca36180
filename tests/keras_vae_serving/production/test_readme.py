"""What the README says can be typed, and is answered."""

import json
import os
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request

import markdown_it
import pytest

from keras_vae_serving import doctor, serve_command
from tests.keras_vae_serving.directories import write_version
from tests.keras_vae_serving.production.files import MODEL, SERVING, load, read

pytestmark = pytest.mark.once

README = read("README.md")
BLOCKS = [
    token.content
    for token in markdown_it.MarkdownIt().parse(README)
    if token.type == "fence" and token.info == "bash"
]
STARTUP_S = 30


def commands():
    """The commands of all blocks, a list of words each."""
    for block in BLOCKS:
        for line in re.sub(r"\\\n\s*", "", block).splitlines():
            if line:
                yield shlex.split(line)


def test_the_blocks_are_shell():
    assert len(BLOCKS) > 8
    for block in BLOCKS:
        done = subprocess.run(
            ["bash", "-n"], input=block, text=True, capture_output=True
        )
        assert done.stderr == ""


def test_files_that_are_named_are_there():
    named = set(re.findall(r"`((?:[\w-]+/)+[\w.-]*|[\w-]+\.ya?ml)`", README))
    named |= set(re.findall(r"serving/([\w./-]+)", "\n".join(BLOCKS)))
    ours = {
        name for name in named if (SERVING / name.partition("/")[0]).exists()
    }
    assert {"config/", "docker-compose.yml", "embedded/Dockerfile"} <= ours
    assert [one for one in ours if not (SERVING / one).exists()] == []


def test_the_table_names_every_file():
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    named = re.findall(r"`([^`]+)`", " ".join(rows))
    there = {
        one.name + "/" * one.is_dir()
        for one in SERVING.iterdir()
        if one.name not in ("README.md", "__pycache__")
    }
    assert there <= set(named)


@pytest.mark.parametrize(
    "words",
    [w for w in commands() if w[0] == "keras-vae"],
    ids=lambda words: " ".join(words[:2]),
)
def test_options_are_there(words):
    name, options = words[1], words[2:]
    if name == "serve":
        assert serve_command._parser().parse_args(options).directory
    elif name == "doctor":
        assert doctor._parser().parse_args(options).serving
    else:
        module = f"keras_vae.cli.{name}"
        source = (SERVING.parent / f"{module.replace('.', '/')}.py").read_text()
        source += "".join(
            path.read_text("utf-8")
            for path in (SERVING.parent / "keras_vae" / "cli").glob(f"{name}_*")
        )
        for option in options:
            if option.startswith("--"):
                assert option[2:].replace("-", "_") in source


@pytest.mark.parametrize(
    "option",
    sorted(
        {
            *re.findall(r"`(--[a-z][\w-]*)", README),
            "--models-config-file",
        }
    ),
)
def test_an_option_in_the_text_is_one_of_some_server(option):
    ours = serve_command._parser().format_help()
    theirs = "\n".join(
        load("docker-compose.yml")["services"]["tensorflow-serving"]["command"]
    )
    compose = ("--profile", "--wait")
    known = option.replace("-", "_") in ours.replace("-", "_")
    assert known or option in theirs or option in compose


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Address of an embedded server of versions 1 and 2."""
    models = tmp_path_factory.mktemp("models")
    for number in (1, 2):
        write_version(models / MODEL, number)
    # Where the file says /models, as in the container.
    config = models.parent / "models.config"
    text = read("config/models.config")
    config.write_text(text.replace('"/models', f'"{models}'), "utf-8")
    script = "from keras_vae_serving import command; command.main()"
    options = ["--models-config-file", str(config), "--rest-api-port=0"]
    label = "--allow-version-labels-for-unavailable-models"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "serve", *options, "--port=-1", label],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stderr=subprocess.PIPE,
        text=True,
    )
    line = process.stderr.readline()
    yield re.search(r"http://127\.0\.0\.1:\d+", line).group()
    process.terminate()
    process.communicate(timeout=STARTUP_S)


REQUESTS = [
    words
    for words in commands()
    if words[0] == "curl" and "/v1/models" in words[1] and "-H" not in words
]


@pytest.mark.slow
def test_the_requests_are_answered(server):
    assert len(REQUESTS) >= 6
    for words in REQUESTS:
        path = words[1][words[1].index("/v1/") :]
        body = words[words.index("-d") + 1].encode() if "-d" in words else None
        with urllib.request.urlopen(server + path, body, timeout=30) as answer:
            found = json.load(answer)
        if body is None:
            states = [v["state"] for v in found["model_version_status"]]
            assert states == ["AVAILABLE", "AVAILABLE"]
        else:
            assert len(found["predictions"]) == 1


@pytest.mark.slow
def test_the_health_check_of_compose_finds_the_embedded_server(server):
    compose = load("docker-compose.yml")["services"]["tensorflow-serving"]
    *_, script = compose["healthcheck"]["test"]
    port = server.rpartition(":")[2]
    script = script.replace("127.0.0.1/8501", f"127.0.0.1/{port}")
    done = subprocess.run(["bash", "-c", script], timeout=30)
    assert done.returncode == 0


@pytest.mark.slow
def test_the_probes_of_kubernetes(server):
    (container,) = load("kubernetes/deployment.yaml")["spec"]["template"][
        "spec"
    ]["containers"]
    path = container["readinessProbe"]["httpGet"]["path"]
    with urllib.request.urlopen(server + path, timeout=30) as answer:
        assert answer.status == 200
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(
            server + path.replace(MODEL, "unknown"), timeout=30
        )


def test_the_seed_of_the_readme_is_the_one_of_the_design():
    assert "-0.0404642, -0.4362647" in README
