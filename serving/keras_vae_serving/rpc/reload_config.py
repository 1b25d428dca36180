"""HandleReloadConfigRequest: serves other models from now on."""

from typing import Any

from keras_vae_serving.model_server import ModelConfig, VersionPolicy
from keras_vae_serving.rpc.messages import ReloadConfigResponse
from keras_vae_serving.status import ServingError, invalid

_PLATFORM = "tensorflow"
_UNSPECIFIED, _TENSORFLOW = 0, 1  # of model_type


def read(request: Any) -> list[ModelConfig]:
    """Returns the models that a `ReloadConfigRequest` lists.

    Raises:
        ServingError: INVALID_ARGUMENT if it lists none, or not in this way.
    """
    if request.config.WhichOneof("config") != "model_config_list":
        raise invalid(
            "ServerModelConfig type not supported by "
            "HandleReloadConfigRequest. Only ModelConfigList is currently "
            "supported"
        )
    return [
        model_config(one) for one in request.config.model_config_list.config
    ]


def response() -> Any:
    """Returns the `ReloadConfigResponse` of a request that was carried out."""
    done = ReloadConfigResponse()
    done.status.SetInParent()
    return done


def model_config(config: Any) -> ModelConfig:
    """Reads a `tensorflow.serving.ModelConfig`.

    Raises:
        ServingError: INVALID_ARGUMENT for a platform other than TensorFlow.
    """
    _check_platform(config)
    return ModelConfig(
        name=config.name,
        base_path=config.base_path,
        policy=_policy(config.model_version_policy),
        labels=dict(config.version_labels),
    )


def _check_platform(config: Any) -> None:
    if config.model_type != _UNSPECIFIED and config.model_platform:
        raise invalid(
            "Illegal setting both model_type(deprecated) and model_platform."
        )
    if config.model_type == _UNSPECIFIED and not config.model_platform:
        raise invalid(
            "Illegal setting neither model_type(deprecated) nor model_platform."
        )
    platform = config.model_platform or (
        _PLATFORM if config.model_type == _TENSORFLOW else "other"
    )
    if platform != _PLATFORM:
        raise _unsupported(config.name, platform)


def _unsupported(name: str, platform: str) -> ServingError:
    return invalid(f"Model {name} requests unsupported platform {platform}")


def _policy(policy: Any) -> VersionPolicy:
    choice = policy.WhichOneof("policy_choice")
    if choice == "all":
        return VersionPolicy(all=True)
    if choice == "specific":
        return VersionPolicy(specific=tuple(policy.specific.versions))
    # Without a number, or with zero, it is the newest version.
    return VersionPolicy(latest=policy.latest.num_versions or 1)
