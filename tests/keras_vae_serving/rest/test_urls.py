import pytest

from keras_vae_serving.model_server import ModelSpec
from keras_vae_serving.rest.urls import (
    Call,
    NoSuchVersion,
    is_dispatched,
    read_call,
)
from keras_vae_serving.status import Code, ServingError

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("method", "target", "call"),
    [
        ("POST", "/v1/models/m:predict", ("predict", "m")),
        ("POST", "/V1/Models/m:predict", ("predict", "m")),
        ("POST", "/v1/models/m:classify", ("classify", "m")),
        ("POST", "/v1/models/m:regress", ("regress", "m")),
        ("POST", "/v1/models/m/versions/7:predict", ("predict", "m", 7)),
        ("POST", "/v1/models/m/VERSIONS/007:predict", ("predict", "m", 7)),
        (
            "POST",
            "/v1/models/m/labels/a%20b:predict",
            ("predict", "m", None, "a b"),
        ),
        ("POST", "/v1/models/ec%68o:predict", ("predict", "echo")),
        ("POST", "/v1/models/a%2Fb%3ac:predict", ("predict", "a/b:c")),
        ("POST", "/v1/models/%zz%4:predict", ("predict", "%zz%4")),
        ("POST", "/v1/models/%C3%A9:predict", ("predict", "é")),
        ("POST", "/v1/models/%ff:predict", ("predict", "\udcff")),
        ("GET", "/v1/models/m", ("status", "m")),
        ("GET", "/v1/models/m/versions/2", ("status", "m", 2)),
        ("GET", "/v1/models/m/labels/l", ("status", "m", None, "l")),
        ("GET", "/v1/models/m/metadata", ("metadata", "m")),
        ("GET", "/v1/models/m/METADATA", ("status", "m")),
        ("GET", "/v1/models/metadata", ("status", "metadata")),
        ("GET", "/v1/models/m/versions/2/metadata", ("metadata", "m", 2)),
        ("GET", "/v1/models/m?x=1", ("status", "m?x=1")),
        (
            "GET",
            f"/v1/models/m/versions/{2**63 - 1}",
            ("status", "m", 2**63 - 1),
        ),
    ],
)
def test_calls(method, target, call):
    verb, *spec = call
    assert read_call(method, target) == Call(verb, ModelSpec(*spec))


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("POST", "/v1/models/m:Predict"),
        ("POST", "/v1/models/m:predict?a=b"),
        ("POST", "/v1/models/m:predict/"),
        ("POST", "/v1/models/m:generate"),
        ("POST", "/v1/models/m"),
        ("POST", "/v1/models/:predict"),
        ("POST", "/v1/models/m/versions/x:predict"),
        ("POST", "/v1/models/m/versions/-1:predict"),
        ("POST", "/v1/models/m/versions/²:predict"),
        ("POST", "/v1/models/m/versions/1/labels/l:predict"),
        ("GET", "/v1/models/m:predict"),
        ("GET", "/v1/models/m/"),
        ("GET", "/v1/models/m/versions/1/labels/l"),
        ("GET", "/v1/modelſ/m"),
        ("GET", "/v1/"),
        ("PUT", "/v1/models/m"),
        ("DELETE", "/v1/models/m"),
        ("PATCH", "/v1/models/m:predict"),
        ("HEAD", "/v1/models/m"),
        ("get", "/v1/models/m"),
    ],
)
def test_what_is_no_call(method, target):
    with pytest.raises(ServingError) as caught:
        read_call(method, target)
    assert caught.value.code == Code.INVALID_ARGUMENT
    assert caught.value.message == f"Malformed request: {method} {target}"


@pytest.mark.parametrize("end", ["", "/versions/1", "/versions/1/metadata"])
def test_a_missing_name(end):
    with pytest.raises(ServingError, match="Missing model name in request."):
        read_call("GET", f"/v1/models{end}")


@pytest.mark.parametrize(
    "digits", [str(2**63), "1" + "0" * 20, "9" * 5000], ids=len
)
@pytest.mark.parametrize(("method", "end"), [("GET", ""), ("POST", ":predict")])
def test_a_version_beyond_64_bits(digits, method, end):
    with pytest.raises(NoSuchVersion):
        read_call(method, f"/v1/models/m/versions/{digits}{end}")


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("/v1/", True),
        ("/V1/x", True),
        ("/v1", False),
        ("/", False),
        ("/v2/models/m", False),
        ("/healthz", False),
        ("//v1/models/m", False),
    ],
)
def test_what_belongs_to_the_api(target, expected):
    assert is_dispatched(target) is expected
