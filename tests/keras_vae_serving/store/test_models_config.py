import pytest

from keras_vae_serving.model_server import ModelConfig, VersionPolicy
from keras_vae_serving.status import Code, ServingError
from keras_vae_serving.store import models_config
from keras_vae_serving.store.text_tokens import TextFormatError

pytestmark = pytest.mark.once

EXAMPLE = """
# What TensorFlow Serving's guide shows, and more.
model_config_list {
  config {
    name: "digits"
    base_path: "/models/digits"
    model_platform: "tensorflow"
    model_version_policy { specific { versions: 42 versions: 43 } }
    version_labels { key: "stable" value: 42 }
    version_labels { key: "canary" value: 43 }
    logging_config {
      log_collector_config { type: "any" filename_prefix: "/tmp/log" }
      sampling_config { sampling_rate: 0.1 }
    }
  }
  config { name: "faces", base_path: "/models/faces";
           model_version_policy: { latest: { num_versions: 2 } } },
  config < name: 'all' base_path: '/models/' 'all' model_type: TENSORFLOW
           model_version_policy < all <> > >
  config { name: "plain" base_path: "/models/plain" }
}
"""


def one(fields):
    """The only model of a configuration."""
    (config,) = models_config.from_text(
        f'model_config_list {{ config {{ name: "m" {fields} }} }}'
    )
    return config


def test_the_example():
    assert models_config.from_text(EXAMPLE) == [
        ModelConfig(
            "digits",
            "/models/digits",
            VersionPolicy(specific=(42, 43)),
            {"stable": 42, "canary": 43},
        ),
        ModelConfig("faces", "/models/faces", VersionPolicy(latest=2)),
        ModelConfig("all", "/models/all", VersionPolicy(all=True)),
        ModelConfig("plain", "/models/plain"),
    ]


@pytest.mark.parametrize("text", ["", "# x", "model_config_list {}"])
def test_no_models(text):
    assert models_config.from_text(text) == []


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", VersionPolicy()),
        ("latest {}", VersionPolicy()),
        ("latest { num_versions: 0 }", VersionPolicy()),
        ("latest { num_versions: 3 }", VersionPolicy(latest=3)),
        ("all: {}", VersionPolicy(all=True)),
        ("specific { versions: [3, 1] }", VersionPolicy(specific=(3, 1))),
    ],
)
def test_policies(policy, expected):
    assert one(f"model_version_policy {{ {policy} }}").policy == expected


def test_labels_as_a_map():
    text = (
        'version_labels { key: "a" value: 1 } version_labels { value: 2 }'
        'version_labels: [{ key: "a" value: 3 }, { key: "b" }]'
    )
    assert one(text).labels == {"a": 3, "": 2, "b": 0}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ('model_platform: "pytorch"', "unsupported platform pytorch"),
        ("model_type: OTHER", "unsupported platform other"),
        (
            'model_type: TENSORFLOW model_platform: "tensorflow"',
            "Illegal setting both",
        ),
        ("model_version_policy { specific {} }", "must name versions"),
    ],
)
def test_what_cannot_be_served(fields, message):
    with pytest.raises(ServingError, match=message) as caught:
        one(fields)
    assert caught.value.code is Code.INVALID_ARGUMENT


@pytest.mark.parametrize("platform", ["", "tensorflow"])
def test_platforms(platform):
    assert one(f'model_platform: "{platform}"').name == "m"


def test_unknown_fields_are_told_with_a_suggestion():
    with pytest.raises(TextFormatError, match="Did you mean `base_path`"):
        one('base_pth: "/m"')


def test_both_policies():
    with pytest.raises(TextFormatError, match="one of `latest` and `all`"):
        one("model_version_policy { latest {} all {} }")


def write(tmp_path, text):
    path = tmp_path / "models.config"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_paths_start_from_the_file(tmp_path):
    text = (
        "\ufeffmodel_config_list {\n"
        'config { name: "a" base_path: "models/a" }\n'
        'config { name: "b" base_path: "/models/b" } }'
    )
    found = models_config.read(write(tmp_path, text))
    assert [config.base_path for config in found] == [
        str(tmp_path / "models" / "a"),
        "/models/b",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x", r"models\.config, line 1, column 1: ModelServerConfig has no"),
        (b"\xff", r"models\.config: it must be UTF-8"),
        (
            'model_config_list { config { name: "a" base_path: "" } }',
            "Expected model a to have an absolute path",
        ),
        (
            'model_config_list { config { name: "a" base_path: "gs://b" } }',
            r"of this machine; got base_path\(\)=gs://b",
        ),
    ],
)
def test_files_that_are_wrong(tmp_path, text, message):
    with pytest.raises(ServingError, match=message) as caught:
        models_config.read(write(tmp_path, text))
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_no_file(tmp_path):
    with pytest.raises(ServingError, match="must be a file that") as caught:
        models_config.read(tmp_path / "models.config")
    assert caught.value.code is Code.NOT_FOUND


@pytest.mark.parametrize(
    ("configs", "message"),
    [
        ([ModelConfig("", "/a")], "must have a name"),
        ([ModelConfig("a/b", "/a")], "neither `/` nor `:`"),
        ([ModelConfig("a:b", "/a")], "neither `/` nor `:`"),
        (
            [ModelConfig("a", "/a"), ModelConfig("a", "/b")],
            "Illegal to list model a multiple times in config list",
        ),
        ([ModelConfig("a", "b")], "Expected model a to have an absolute path"),
    ],
)
def test_models_that_do_not_go_together(configs, message):
    with pytest.raises(ServingError, match=message) as caught:
        models_config.check(configs)
    assert caught.value.code is Code.INVALID_ARGUMENT
