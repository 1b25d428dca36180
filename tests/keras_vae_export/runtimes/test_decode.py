"""Every runtime decodes what Keras decodes, at any batch size."""

import numpy as np
import pytest

from tests.keras_vae_export.runtimes import in_javascript, in_python
from tests.keras_vae_export.runtimes.cases import DECODE, asked

pytestmark = pytest.mark.once

RUNTIMES = (*in_python.MODULES, *in_javascript.RUNTIMES)


@pytest.mark.parametrize(("runtime", "case"), asked(RUNTIMES, DECODE), ids=str)
def test_decode_repeats_keras(runtime, case, ask, expected, note):
    x, live = ask(runtime, case)["x"], expected(case)["x"]
    assert x.dtype == live.dtype == np.float32
    assert x.shape == live.shape == (case.size, 8, 8, 1)
    note(runtime, case, x, live)
    np.testing.assert_allclose(x, live, rtol=0, atol=1e-5)


def test_the_decoder_is_not_trivial(models, expected):
    onnx = pytest.importorskip(
        "onnx", reason="`onnx` is not installed: it reads what is exported."
    )
    nodes = onnx.load(models / DECODE[0].file).graph.node
    assert "ConvTranspose" in {node.op_type for node in nodes}
    # An image that does not depend on z would be easy to repeat.
    assert np.ptp(expected(DECODE[-1])["x"], axis=0).min() > 0.1
