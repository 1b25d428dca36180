"""KServe's manifests, checked by hand where no schema is at hand.

What an InferenceService shares with a pod and a container is checked with
Kubernetes's own schema; the rest with the names of fields that KServe 0.21
has (`V1beta1PredictorSpec` and `V1beta1ModelSpec` of its SDK).
"""

import kubernetes_validate
import pytest

from tests.keras_vae_serving.production.files import MODEL, SERVING, load

pytestmark = pytest.mark.once

FILES = sorted(path.name for path in (SERVING / "kserve").glob("*.yaml"))
PREDICTOR = {
    "minReplicas": int,
    "maxReplicas": int,
    "timeout": int,
    "canaryTrafficPercent": int,
    "containerConcurrency": int,
    "model": dict,
}
MODEL_SPEC = {
    "modelFormat": dict,
    "runtime": str,
    "runtimeVersion": str,
    "protocolVersion": str,
    "storageUri": str,
}
# By protocol, the port of KServe's runtime `kserve-tensorflow-serving`.
PORTS = {"v1": 8080, "grpc-v1": 9000}


def problems(service):
    """What KServe would refuse of an InferenceService."""
    if set(service) != {"apiVersion", "kind", "metadata", "spec"}:
        return [f"fields {sorted(service)}"]
    kind = (service["apiVersion"], service["kind"])
    if kind != ("serving.kserve.io/v1beta1", "InferenceService"):
        return [f"kind {kind}"]
    if set(service["spec"]) != {"predictor"}:
        return [f"spec {sorted(service['spec'])}"]
    predictor = service["spec"]["predictor"]
    found, pod = split(predictor, PREDICTOR)
    wrong, container = split(predictor["model"], MODEL_SPEC)
    container = {"name": "kserve-container", **container}
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": service["metadata"],
        "spec": {**pod, "containers": [container]},
    }
    try:
        kubernetes_validate.validate(pod, "1.34", strict=True)
    except kubernetes_validate.ValidationError as error:
        wrong.append(str(error))
    return [*found, *wrong]


def split(fields, known):
    """Checks KServe's own fields; returns what is wrong, and the others."""
    wrong = [
        f"{name}: {fields[name]!r}"
        for name, kind in known.items()
        if not isinstance(fields.get(name, kind()), kind)
    ]
    return wrong, {k: v for k, v in fields.items() if k not in known}


@pytest.mark.parametrize("file", FILES)
def test_the_fields(file):
    assert problems(load(f"kserve/{file}")) == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(minReplica=1), "minReplica"),
        (lambda p: p.update(minReplicas="1"), "minReplicas"),
        (lambda p: p["model"].update(storageURI="pvc://x"), "storageURI"),
        (lambda p: p["model"].update(args=7), "7"),
        (lambda p: p["model"]["resources"].update(request={}), "request"),
    ],
)
def test_wrong_fields_are_found(change, message):
    service = load(f"kserve/{FILES[0]}")
    change(service["spec"]["predictor"])
    assert message in " ".join(problems(service))


@pytest.mark.parametrize("file", FILES)
def test_the_model(file):
    model = load(f"kserve/{file}")["spec"]["predictor"]["model"]
    claim = load("kubernetes/persistentvolumeclaim.yaml")["metadata"]["name"]
    # The runtime of that name takes this format, and these protocols.
    assert model["modelFormat"] == {"name": "tensorflow", "version": "2"}
    assert model["runtime"] == "kserve-tensorflow-serving"
    assert model["storageUri"] == f"pvc://{claim}/{MODEL}"
    port = PORTS[model["protocolVersion"]]
    assert all(one["containerPort"] == port for one in model.get("ports", ()))


def test_one_manifest_a_protocol():
    services = [load(f"kserve/{file}") for file in FILES]
    models = [one["spec"]["predictor"]["model"] for one in services]
    assert {one["protocolVersion"] for one in models} == set(PORTS)
    # In REST the model has the name of its InferenceService.
    names = {
        model["protocolVersion"]: one["metadata"]["name"]
        for one, model in zip(services, models, strict=True)
    }
    assert names["v1"] == MODEL
    (port,) = next(m["ports"] for m in models if "ports" in m)
    assert port["name"] == "h2c"
