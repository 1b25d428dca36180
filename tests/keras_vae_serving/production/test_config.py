"""The text files that TensorFlow Serving reads."""

import pytest

from keras_vae_serving.batching import file
from keras_vae_serving.model_server import VersionPolicy
from keras_vae_serving.store import models_config, text_format
from keras_vae_serving.store.text_format import Field, Message
from tests.keras_vae_serving.production.files import MODEL, SERVING, read

pytestmark = pytest.mark.once

# As monitoring_config.proto has it.
MONITORING = Message(
    "MonitoringConfig",
    {
        "prometheus_config": Field(
            Message(
                "PrometheusConfig",
                {"enable": Field("bool"), "path": Field("string")},
            )
        )
    },
)


def test_the_models():
    (config,) = models_config.read(SERVING / "config" / "models.config")
    assert config.name == MODEL
    assert config.base_path == f"/models/{MODEL}"
    assert config.policy == VersionPolicy(specific=(1, 2))
    assert config.labels == {"stable": 1, "canary": 2}
    assert set(config.labels.values()) <= set(config.policy.specific)


def test_batching():
    found = file.read(SERVING / "config" / "batching.config")
    assert found.max_batch_size == 128
    assert found.batch_timeout_micros == 1000
    assert found.max_enqueued_batches == 100
    assert found.num_batch_threads == 2
    assert found.allowed_batch_sizes == ()
    # The flag that splits large requests is left out: TensorFlow Serving
    # refuses them even so, unless a larger limit is set beside it.
    assert not found.enable_large_batch_splitting


def test_monitoring():
    fields = text_format.parse(read("config/monitoring.config"), MONITORING)
    assert fields["prometheus_config"] == {
        "enable": True,
        "path": "/monitoring/prometheus/metrics",
    }
