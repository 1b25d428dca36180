import json
import re

import numpy as np
import promql_parser
import pytest

from keras_vae_serving.operations.metrics import Metrics
from keras_vae_serving.status import Code
from tests.keras_vae_serving.production.files import SERVING, load, read

pytestmark = pytest.mark.once

# Names that TensorFlow Serving 2.21 exposes, histograms by their stem.
COUNTERS = {
    ":tensorflow:serving:request_count": {"model_name", "status"},
    ":tensorflow:cc:saved_model:load_attempt_count": {"model_path", "status"},
}
HISTOGRAMS = {
    ":tensorflow:serving:request_latency": {
        "model_name",
        "API",
        "entrypoint",
    },
    ":tensorflow:serving:runtime_latency": {"model_name", "API", "runtime"},
    ":tensorflow:serving:batching_session:queuing_latency": {
        "thread_pool_name"
    },
    ":tensorflow:serving:batching_session:input_batch_size": set(),
    ":tensorflow:serving:batching_session:processed_batch_size": set(),
}
TENSORFLOW = {
    **COUNTERS,
    **{
        f"{name}_{suffix}": labels
        for name, labels in HISTOGRAMS.items()
        for suffix in ("bucket", "sum", "count")
    },
}
# What Prometheus adds to every time series.
ADDED = {"instance", "job", "le"}
DASHBOARDS = {
    "tensorflow-serving": TENSORFLOW,
    "keras-vae-serving": None,  # What this package exposes.
}
_VARIABLES = {
    "$__rate_interval": "5m",
    "$__range": "1h",
    "$instance": ".*",
    "$model": ".*",
}


def exposed():
    """What the embedded server exposes: names to labels."""

    class Servable:
        name, version, signatures = "digits", 1, {}

    metrics = Metrics()
    metrics.request("rest", "predict", "200", 0.1)
    metrics.prediction(Servable, "decode", Code.OK)
    metrics.batch(Servable, "decode", rows=3, padding=1, waited_s=0.1)
    metrics.in_flight.labels("rest").inc()
    metrics.versions("digits", {1: True})
    metrics.refused(503)
    found = {}
    for family in metrics.registry.collect():
        assert family.samples, f"{family.name} is not made here"
        for sample in family.samples:
            found.setdefault(sample.name, set()).update(sample.labels)
    return found


@pytest.fixture(scope="module", params=DASHBOARDS)
def dashboard(request):
    text = read(f"grafana/dashboards/{request.param}.json")
    return json.loads(text), DASHBOARDS[request.param] or exposed()


def expressions(dashboard):
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield target["expr"]


def parse(expression):
    """Parses PromQL, in which Grafana's variables are filled in."""
    for name, value in _VARIABLES.items():
        expression = expression.replace(name, value)
    assert "$" not in expression
    return promql_parser.parse(expression)


def selectors(expression):
    """Names and labels that an expression asks for, by metric."""
    text = re.sub(r'"[^"]*"', '""', expression)
    for match in re.finditer(r"([a-zA-Z_:][\w:]*)\{([^}]*)\}", text):
        labels = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", match.group(2))
        yield match.group(1), set(labels)


def check_names(expression, known):
    parse(expression)
    found = dict(selectors(expression))
    assert found, expression
    grouped = set()
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        grouped.update(re.split(r",\s*", group))
    for name, labels in found.items():
        assert name in known, f"{name} in {expression}"
        assert labels | grouped <= known[name] | ADDED, expression


def test_the_queries_of_dashboards_ask_for_what_there_is(dashboard):
    content, known = dashboard
    for expression in expressions(content):
        check_names(expression, known)


def test_every_metric_of_the_embedded_server_is_on_its_dashboard():
    content = json.loads(read("grafana/dashboards/keras-vae-serving.json"))
    text = " ".join(expressions(content))
    stems = {
        re.sub(r"_(bucket|sum|count|created)$", "", name) for name in exposed()
    }
    # `..._created` of counters stands for the time when counting began.
    stems -= {s for s in stems if f"{s}_total" in stems}
    # Of the process itself, memory and time are drawn; the rest is there.
    stems = {s for s in stems if not s.startswith("process_")}
    assert {s for s in stems if s not in text} == set()


@pytest.mark.parametrize(
    ("expression", "error"),
    [
        ("rate(keras_vae_serving_nothing_total{}[5m])", AssertionError),
        ('keras_vae_serving_rows_total{protocol="x"}', AssertionError),
        ("sum by (code) (keras_vae_serving_rows_total{})", AssertionError),
        ("sum(rate(keras_vae_serving_rows_total{}[5m])", ValueError),
        ("1 + 1", AssertionError),
    ],
)
def test_wrong_queries_are_found(expression, error):
    with pytest.raises(error):
        check_names(expression, exposed())


def test_the_form_of_dashboards(dashboard):
    content, _ = dashboard
    assert content["schemaVersion"] >= 36
    assert content["uid"] and content["title"]
    panels = content["panels"]
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    for panel in panels:
        assert panel["type"] in ("timeseries", "stat")
        assert panel["title"] and panel["description"]
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)


def test_panels_do_not_overlap(dashboard):
    grid = np.zeros((200, 24), int)
    for panel in dashboard[0]["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        grid[at["y"] : at["y"] + at["h"], at["x"] : at["x"] + at["w"]] += 1
    assert grid.max() == 1


def test_the_variables_of_dashboards(dashboard):
    content, known = dashboard
    variables = {one["name"]: one for one in content["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", json.dumps(content["panels"])))
    grafana = {"__rate_interval", "__range"}
    assert used - grafana <= set(variables)
    assert variables["datasource"]["query"] == "prometheus"
    for name in ("instance", "model"):
        query = variables[name]["query"]["query"]
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", query)
        metric, label = match.groups()
        assert label in known[metric] | ADDED


def test_dashboards_are_provisioned():
    (provider,) = load("grafana/provisioning/dashboards/dashboards.yml")[
        "providers"
    ]
    grafana = load("docker-compose.yml")["services"]["grafana"]
    targets = [volume.split(":")[1] for volume in grafana["volumes"]]
    assert provider["options"]["path"] in targets
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    folder = provider["options"]["path"]
    name = home.removeprefix(f"{folder}/")
    assert (SERVING / "grafana" / "dashboards" / name).is_file()
    sources = load("grafana/provisioning/datasources/prometheus.yml")
    (source,) = sources["datasources"]
    assert source["type"] == "prometheus"
    host, port = source["url"].removeprefix("http://").split(":")
    service = load("docker-compose.yml")["services"][host]
    assert service["ports"][0].endswith(f":{port}")


def test_what_prometheus_scrapes():
    config = load("prometheus/prometheus.yml")
    assert set(config) == {"global", "rule_files", "scrape_configs"}
    assert config["rule_files"] == ["rules.yml"]
    services = load("docker-compose.yml")["services"]
    fields = {"job_name", "metrics_path", "static_configs"}
    for job in config["scrape_configs"]:
        limits = {"sample_limit", "metric_relabel_configs"}
        assert fields <= set(job) <= fields | limits
        (targets,) = job["static_configs"]
        (target,) = targets["targets"]
        host, port = target.split(":")
        assert host == job["job_name"]
        assert port in [
            one.rpartition(":")[2] for one in services[host]["ports"]
        ]


def kept(rules, labels):
    """Whether Prometheus keeps a time series: the rules are all `keep`."""
    for rule in rules:
        assert rule["action"] == "keep"
        value = ";".join(labels.get(n, "") for n in rule["source_labels"])
        if not re.fullmatch(rule["regex"], value):
            return False
    return True


def test_what_prometheus_keeps():
    job, _ = load("prometheus/prometheus.yml")["scrape_configs"]
    rules = job["metric_relabel_configs"]
    for name, labels in TENSORFLOW.items():
        series = {label: "x" for label in labels} | {"__name__": name}
        model = {"model_name": "digits"} if "model_name" in labels else {}
        assert kept(rules, series | model)
        if model:
            assert not kept(rules, series | {"model_name": "echo?x=1"})
    assert not kept(rules, {"__name__": ":tensorflow:core:graph_runs"})


RULES = [
    rule
    for group in load("prometheus/rules.yml")["groups"]
    for rule in group["rules"]
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_alerts(rule):
    assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    known = TENSORFLOW | exposed() | {"up": set()}
    expression = re.sub(
        r"([a-z_:]+_(?:bucket|count|total))\[", r"\1{}[", rule["expr"]
    )
    check_names(expression, known)
    text = json.dumps(rule["annotations"])
    kept = set(re.findall(r"\$labels\.(\w+)", text))
    grouped = re.findall(r"by \(([^)]*)\)", expression)
    (name, *_) = (name for name, _ in selectors(expression))
    labels = set(re.split(r",\s*", grouped[0])) if grouped else known[name]
    assert kept <= labels | ADDED
