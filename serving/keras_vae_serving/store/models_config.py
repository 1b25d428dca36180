"""Reads `models.config`, and checks which models shall be served."""

import os
import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_vae_serving.model_server import ModelConfig, VersionPolicy
from keras_vae_serving.status import Code, ServingError, invalid
from keras_vae_serving.store.text_format import Field, Message, parse
from keras_vae_serving.store.text_tokens import TextFormatError

_MAX_BYTES = 16 * 2**20
_PLATFORM = "tensorflow"
_TYPES = {"MODEL_TYPE_UNSPECIFIED": 0, "TENSORFLOW": 1, "OTHER": 2}
_SAME_TYPE = ("", _PLATFORM)

_POLICY = Message(
    "ServableVersionPolicy",
    {
        "latest": Field(
            Message("Latest", {"num_versions": Field("uint32")}),
            one_of="policy_choice",
        ),
        "all": Field(Message("All", {}), one_of="policy_choice"),
        "specific": Field(
            Message("Specific", {"versions": Field("int64", repeated=True)}),
            one_of="policy_choice",
        ),
    },
)
_LABEL = Message(
    "VersionLabelsEntry", {"key": Field("string"), "value": Field("int64")}
)
# Requests are not logged here; the setting is read so that a file need not
# be changed for this server.
_LOGGING = Message(
    "LoggingConfig",
    {
        "log_collector_config": Field(
            Message(
                "LogCollectorConfig",
                {"type": Field("string"), "filename_prefix": Field("string")},
            )
        ),
        "sampling_config": Field(
            Message("SamplingConfig", {"sampling_rate": Field("double")})
        ),
    },
)
_CONFIG = Message(
    "ModelConfig",
    {
        "name": Field("string"),
        "base_path": Field("string"),
        "model_type": Field(_TYPES),
        "model_platform": Field("string"),
        "model_version_policy": Field(_POLICY),
        "version_labels": Field(_LABEL, repeated=True),
        "logging_config": Field(_LOGGING),
    },
)
SCHEMA = Message(
    "ModelServerConfig",
    {
        "model_config_list": Field(
            Message(
                "ModelConfigList", {"config": Field(_CONFIG, repeated=True)}
            ),
        ),
    },
)


def read(path: pathlib.Path) -> list[ModelConfig]:
    """Reads a `models.config`.

    Args:
        path: The file. Paths in it that are not absolute start from its own
            directory.

    Raises:
        ServingError: NOT_FOUND if it cannot be read; INVALID_ARGUMENT if it
            is not in the text format or what it says cannot be served.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_BYTES)
    except OSError as error:
        raise ServingError(
            Code.NOT_FOUND,
            "The configuration of models must be a file that can be read. "
            f"Received: {str(path)!r} ({error.strerror}). Call e.g. "
            "`keras-vae serve --models-config-file models.config`.",
        ) from error
    try:
        configs = from_text(content.decode("utf-8-sig"))
        absolute = [_from(path, config) for config in configs]
        check(absolute)
    except UnicodeDecodeError as error:
        raise invalid(f"{path}: it must be UTF-8 ({error.reason}).") from error
    except TextFormatError as error:
        raise invalid(f"{path}, {error}") from error
    except ServingError as error:
        raise ServingError(error.code, f"{path}: {error.message}") from error
    return absolute


def from_text(text: str) -> list[ModelConfig]:
    """Returns the models that a `ModelServerConfig` in text names.

    Raises:
        TextFormatError: if the text is not in the format.
        ServingError: INVALID_ARGUMENT if a model is not one of TensorFlow's
            platform, or no version is named where some should be.
    """
    models = parse(text, SCHEMA).get("model_config_list", {})
    return [from_fields(fields) for fields in models.get("config", [])]


def from_fields(fields: Mapping[str, Any]) -> ModelConfig:
    """Returns what the fields of one `ModelConfig` say.

    Args:
        fields: By name; those that are not given are left out.

    Raises:
        ServingError: as `from_text`.
    """
    name = fields.get("name", "")
    _check_platform(name, fields)
    labels = {
        entry.get("key", ""): entry.get("value", 0)
        for entry in fields.get("version_labels", [])
    }
    policy = _policy(name, fields.get("model_version_policy", {}))
    return ModelConfig(name, fields.get("base_path", ""), policy, labels)


def check(configs: Sequence[ModelConfig]) -> None:
    """Raises unless models can be served together.

    Raises:
        ServingError: INVALID_ARGUMENT, if not.
    """
    names = set()
    for config in configs:
        if not config.name:
            raise invalid("Each model config must have a name.")
        if "/" in config.name or ":" in config.name:
            raise invalid(
                "The name of a model must hold neither `/` nor `:`, which "
                f"mean something else in URLs. Received: {config.name!r}."
            )
        if config.name in names:
            raise invalid(
                f"Illegal to list model {config.name} multiple times in "
                "config list"
            )
        if not os.path.isabs(config.base_path):
            raise invalid(
                f"Expected model {config.name} to have an absolute path of "
                f"this machine; got base_path()={config.base_path}"
            )
        names.add(config.name)


def _check_platform(name: str, fields: Mapping[str, Any]) -> None:
    kind = fields.get("model_type", 0)
    platform = fields.get("model_platform", "")
    if kind and platform:
        raise invalid(
            "Illegal setting both model_type(deprecated) and model_platform."
        )
    if kind not in (0, _TYPES["TENSORFLOW"]) or platform not in _SAME_TYPE:
        raise invalid(
            f"Model {name} requests unsupported platform "
            f"{platform or 'other'}; write `model_platform: "
            f'"{_PLATFORM}"`, or leave it out.'
        )


def _policy(name: str, fields: Mapping[str, Any]) -> VersionPolicy:
    if "all" in fields:
        return VersionPolicy(all=True)
    if "specific" in fields:
        versions = fields["specific"].get("versions", [])
        if not versions:
            raise invalid(
                f"The version policy `specific` of model {name} must name "
                "versions, e.g. `specific { versions: 1 }`."
            )
        return VersionPolicy(specific=tuple(versions))
    newest = fields.get("latest", {}).get("num_versions", 1)
    # TensorFlow Serving takes 0 for 1 too.
    return VersionPolicy(latest=max(newest, 1))


def _from(path: pathlib.Path, config: ModelConfig) -> ModelConfig:
    if not config.base_path or "://" in config.base_path:
        return config
    folder = os.path.dirname(os.path.abspath(path))
    return config._replace(base_path=os.path.join(folder, config.base_path))
