import importlib.resources
import json
import re
import subprocess

import jsonschema
import pytest

from tests.keras_vae_serving.production.files import (
    IMAGE,
    MODEL,
    SERVING,
    flags,
    load,
)

pytestmark = pytest.mark.once

COMPOSE = load("docker-compose.yml")
SERVICES = COMPOSE["services"]
SERVER = SERVICES["tensorflow-serving"]
# Mounts: the host's path to the container's.
MOUNTS = {
    "./config": "/config",
    "./prometheus": "/etc/prometheus",
    "./grafana/provisioning": "/etc/grafana/provisioning",
    "./grafana/dashboards": "/etc/grafana/dashboards",
}


def schema():
    """The Compose specification's own, which check-jsonschema ships."""
    root = importlib.resources.files("check_jsonschema")
    file = root / "builtin_schemas" / "vendor" / "compose-spec.json"
    return json.loads(file.read_text(encoding="utf-8"))


def mounts(service):
    for volume in service.get("volumes", ()):
        if isinstance(volume, dict):
            yield volume["source"], volume["target"], volume["read_only"]
        else:
            source, target, *mode = volume.split(":")
            yield source, target, mode == ["ro"]


def test_it_follows_the_specification():
    jsonschema.validate(COMPOSE, schema())


def test_the_specification_is_strict():
    service = {**SERVER, "memory": "2G"}
    with pytest.raises(jsonschema.ValidationError, match="memory"):
        jsonschema.validate({"services": {"a": service}}, schema())


def test_only_tensorflow_serving_runs_unasked():
    assert [k for k, one in SERVICES.items() if "profiles" not in one] == [
        "tensorflow-serving"
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_every_service_is_confined(name):
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["restart"] == "unless-stopped"
    assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"])
    for port in service["ports"]:
        assert port.startswith("127.0.0.1:")
    assert "privileged" not in service


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_a_version(name):
    if name == "keras-vae-serving":
        file = SERVING.parent / SERVICES[name]["build"]["dockerfile"]
        assert file.is_file()
        assert (SERVING / SERVICES[name]["build"]["context"]).is_dir()
    else:
        assert re.fullmatch(r"[\w/.-]+:v?\d[\w.-]*", SERVICES[name]["image"])


def test_the_server_cannot_write():
    assert SERVER["image"] == IMAGE
    assert SERVER["read_only"] is True
    assert not SERVER["user"].startswith(("0", "root"))
    assert all(read_only for _, _, read_only in mounts(SERVER))


def test_what_is_mounted_is_there():
    found = {}
    for service in SERVICES.values():
        for source, target, read_only in mounts(service):
            if source.startswith("."):
                assert read_only
                assert (SERVING / source).is_dir()
                found[source] = target
            else:
                volumes = COMPOSE["volumes"]
                assert source == "${MODELS:-../models}" or source in volumes
    assert found == MOUNTS


def test_the_server_reads_the_mounted_files():
    given = flags(SERVER["command"])
    files = {
        name: path.removeprefix("/config/")
        for name, path in given.items()
        if path.startswith("/")
    }
    assert files == {
        "model_config_file": "models.config",
        "batching_parameters_file": "batching.config",
        "monitoring_config_file": "monitoring.config",
    }
    assert all((SERVING / "config" / path).is_file() for path in files.values())
    ports = [port.rpartition(":")[2] for port in SERVER["ports"]]
    assert ports == [given["rest_api_port"], given["port"]]


def test_the_threads_are_the_processors_of_the_limit():
    given = flags(SERVER["command"])
    cpus = SERVER["deploy"]["resources"]["limits"]["cpus"]
    assert given["tensorflow_intra_op_parallelism"] == cpus
    assert given["tensorflow_inter_op_parallelism"] == cpus


def health_script():
    *runner, script = SERVER["healthcheck"]["test"]
    assert runner == ["CMD", "timeout", "5", "bash", "-c"]
    assert f"/v1/models/{MODEL}" in script
    return script


@pytest.mark.parametrize(
    ("states", "healthy"),
    [
        (["AVAILABLE"], True),
        (["LOADING", "AVAILABLE"], True),
        (["LOADING"], False),
        (["END"], False),
    ],
)
def test_the_health_check(states, healthy, status_server):
    port = status_server(states)
    script = health_script().replace("127.0.0.1/8501", f"127.0.0.1/{port}")
    assert str(port) in script
    done = subprocess.run(["bash", "-c", script], timeout=20)
    assert (done.returncode == 0) == healthy


def test_nobody_at_the_port_is_not_healthy(free_port):
    script = health_script().replace("127.0.0.1/8501", f"127.0.0.1/{free_port}")
    done = subprocess.run(
        ["bash", "-c", script], timeout=20, capture_output=True
    )
    assert done.returncode != 0
