import copy

import kubernetes_validate
import pytest

from tests.keras_vae_serving.production.files import (
    IMAGE,
    MODEL,
    SERVING,
    flags,
    load,
    load_all,
)

pytestmark = pytest.mark.once

# The oldest and the newest release that the manifests are checked for. The
# schemas are those of the Kubernetes API, strict: no unknown field passes.
RELEASES = ("1.27", "1.34")
FOLDER = SERVING / "kubernetes"
CUSTOM = "servicemonitor.yaml"  # A custom resource: no schema.
FILES = sorted(path.name for path in FOLDER.glob("*.yaml"))
KUSTOMIZATION = load("kustomization.yaml")
NAME = {"app.kubernetes.io/name": "tensorflow-serving"}


def manifest(name):
    return load(f"kubernetes/{name}.yaml")


DEPLOYMENT = manifest("deployment")
POD = DEPLOYMENT["spec"]["template"]["spec"]
(CONTAINER,) = POD["containers"]
PORTS = {one["name"]: one["containerPort"] for one in CONTAINER["ports"]}


@pytest.mark.parametrize("release", RELEASES)
@pytest.mark.parametrize("file", [one for one in FILES if one != CUSTOM])
def test_schema(file, release):
    documents = load_all(f"kubernetes/{file}")
    assert documents
    for one in documents:
        kubernetes_validate.validate(one, release, strict=True)


def test_the_schema_is_strict():
    wrong = copy.deepcopy(DEPLOYMENT)
    wrong["spec"]["template"]["spec"]["containers"][0]["readyProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError, match="readyProbe"):
        kubernetes_validate.validate(wrong, RELEASES[-1], strict=True)


def test_every_manifest_is_in_the_kustomization():
    listed = [one.partition("/")[2] for one in KUSTOMIZATION["resources"]]
    # One for another operator, one to be applied by hand.
    assert sorted([*listed, CUSTOM, "model-loader.yaml"]) == FILES
    assert all((SERVING / one).is_file() for one in KUSTOMIZATION["resources"])


def test_the_config_maps_hold_what_the_server_reads():
    maps = {
        one["name"]: {path.rpartition("/")[2] for path in one["files"]}
        for one in KUSTOMIZATION["configMapGenerator"]
    }
    for one in KUSTOMIZATION["configMapGenerator"]:
        assert all((SERVING / path).is_file() for path in one["files"])
    volumes = {
        one["name"]: one["configMap"]["name"]
        for one in POD["volumes"]
        if "configMap" in one
    }
    mounted = {
        f"{mount['mountPath']}/{file}"
        for mount in CONTAINER["volumeMounts"]
        if mount["name"] in volumes
        for file in maps[volumes[mount["name"]]]
    }
    read = {v for v in flags(CONTAINER["args"]).values() if v.startswith("/")}
    assert read == mounted
    # A map whose name holds a hash is never updated in place.
    fixed = [
        one["name"]
        for one in KUSTOMIZATION["configMapGenerator"]
        if one.get("options", {}).get("disableNameSuffixHash")
    ]
    assert fixed == ["tensorflow-serving-models"]


def test_the_server_is_called_as_under_compose():
    compose = load("docker-compose.yml")["services"]["tensorflow-serving"]
    assert CONTAINER["image"] == compose["image"] == IMAGE
    assert CONTAINER["command"] == compose["entrypoint"]
    here, there = flags(CONTAINER["args"]), flags(compose["command"])
    assert here.keys() == there.keys()
    same = {name: value for name, value in here.items() if "/" not in value}
    assert same.items() <= there.items()


def test_selectors_and_ports_fit():
    labels = DEPLOYMENT["spec"]["template"]["metadata"]["labels"]
    assert DEPLOYMENT["spec"]["selector"]["matchLabels"] == NAME
    assert NAME.items() <= labels.items()
    assert PORTS == {"grpc": 8500, "rest": 8501}
    services = load_all("kubernetes/service.yaml")
    for one in services:
        assert one["spec"]["selector"] == NAME
        for port in one["spec"]["ports"]:
            assert PORTS[port["targetPort"]] == port["port"]
    assert [one["spec"].get("clusterIP") for one in services] == [None, "None"]
    policy = manifest("networkpolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == NAME
    for rule in policy["ingress"]:
        assert {port["port"] for port in rule["ports"]} <= set(PORTS)
    budget = manifest("poddisruptionbudget")["spec"]
    assert budget["selector"]["matchLabels"] == NAME


def test_probes():
    for probe in ("startupProbe", "readinessProbe"):
        get = CONTAINER[probe]["httpGet"]
        assert get == {"path": f"/v1/models/{MODEL}/metadata", "port": "rest"}
    assert CONTAINER["livenessProbe"]["grpc"] == {"port": PORTS["grpc"]}
    assert flags(CONTAINER["args"])["enable_grpc_healthcheck_service"] == "true"
    start = CONTAINER["startupProbe"]
    assert start["periodSeconds"] * start["failureThreshold"] >= 300


def test_a_pod_that_stops_still_answers_for_a_while():
    (program, seconds) = CONTAINER["lifecycle"]["preStop"]["exec"]["command"]
    timeout = int(flags(CONTAINER["args"])["rest_api_timeout_in_ms"]) / 1000
    assert program == "sleep"
    assert POD["terminationGracePeriodSeconds"] >= int(seconds) + timeout
    rolling = DEPLOYMENT["spec"]["strategy"]["rollingUpdate"]
    assert rolling == {"maxUnavailable": 0, "maxSurge": 1}


def test_the_threads_are_the_processors_of_the_limit():
    given = flags(CONTAINER["args"])
    cpus = CONTAINER["resources"]["limits"]["cpu"]
    assert given["tensorflow_intra_op_parallelism"] == cpus
    assert given["tensorflow_inter_op_parallelism"] == cpus


@pytest.mark.parametrize("name", ["deployment", "model-loader"])
def test_pods_are_confined(name):
    spec = manifest(name)["spec"]
    pod = spec.get("template", {}).get("spec", spec)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"]["type"] == "RuntimeDefault"
    assert pod["automountServiceAccountToken"] is False
    (container,) = pod["containers"]
    context = container["securityContext"]
    assert context["allowPrivilegeEscalation"] is False
    assert context["readOnlyRootFilesystem"] is True
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert {"requests", "limits"} <= set(container["resources"])


def test_the_models_are_read_by_many_and_written_by_the_loader():
    claim = manifest("persistentvolumeclaim")
    assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    for pod, read_only in (
        (POD, True),
        (manifest("model-loader")["spec"], None),
    ):
        (volume,) = [v for v in pod["volumes"] if v["name"] == "models"]
        name = volume["persistentVolumeClaim"]["claimName"]
        assert name == claim["metadata"]["name"]
        mounts = pod["containers"][0]["volumeMounts"]
        (mount,) = [one for one in mounts if one["name"] == "models"]
        assert mount["mountPath"] == "/models"
        assert mount.get("readOnly") is read_only


def test_the_autoscaler_and_the_budget_leave_a_server():
    scaler = manifest("horizontalpodautoscaler")["spec"]
    target = scaler["scaleTargetRef"]
    assert target["kind"] == DEPLOYMENT["kind"]
    assert target["name"] == DEPLOYMENT["metadata"]["name"]
    assert "replicas" not in DEPLOYMENT["spec"]
    assert 2 <= scaler["minReplicas"] < scaler["maxReplicas"]
    assert manifest("poddisruptionbudget")["spec"]["maxUnavailable"] == 1


def test_the_service_monitor():
    # By hand: its fields as the Prometheus operator's API reference has them.
    monitor = manifest("servicemonitor")
    assert monitor["apiVersion"] == "monitoring.coreos.com/v1"
    assert set(monitor["spec"]) == {"selector", "endpoints"}
    (endpoint,) = monitor["spec"]["endpoints"]
    fields = {"port", "path", "interval", "metricRelabelings"}
    assert set(endpoint) == fields
    service, pods = load_all("kubernetes/service.yaml")
    ports = [one["name"] for one in service["spec"]["ports"]]
    assert endpoint["port"] in ports
    selected = monitor["spec"]["selector"]["matchLabels"]
    assert selected.items() <= service["metadata"]["labels"].items()
    # Else each pod would be scraped twice.
    assert not selected.items() <= pods["metadata"]["labels"].items()
    jobs = load("prometheus/prometheus.yml")["scrape_configs"]
    renamed = {"sourceLabels": "source_labels"}
    rules = [
        {renamed.get(key, key): value for key, value in rule.items()}
        for rule in endpoint["metricRelabelings"]
    ]
    assert rules == jobs[0]["metric_relabel_configs"]
    assert endpoint["path"] == jobs[0]["metrics_path"]
