"""What runtimes cannot do: a test here fails when one has learned it."""

import subprocess
import sys

import numpy as np
import pytest

from tests.keras_vae_export.runtimes.cases import DECODE, MODELS, Case

pytestmark = pytest.mark.once

EMPTY = DECODE[0]
SEEDED = [
    Case(model, signature, 7, seed=7)
    for model in MODELS
    for signature in ("generate", "generate_rows")
]
# Decodes one latent, then none.
IN_OPENCV = """
import sys
import cv2
import numpy as np
net = cv2.dnn.readNetFromONNX(sys.argv[1])
for size in (1, 0):
    net.setInput(np.zeros((size, 4), "float32"), "z")
    print(net.forward("x").shape, flush=True)
"""


def test_the_reference_has_no_empty_transposed_convolution(load):
    # If it does not raise, take it out of NO_EMPTY_BATCH in cases.py.
    run = load("onnx_reference", EMPTY.file)
    with pytest.raises(TypeError, match="operator 'ConvTranspose'"):
        run(**EMPTY.inputs())


def test_opencv_does_not_survive_an_empty_batch(load, models):
    load("opencv", EMPTY.file)
    done = subprocess.run(
        [sys.executable, "-c", IN_OPENCV, str(models / EMPTY.file)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout == "(1, 8, 8, 1)\n", done.stdout + done.stderr
    assert done.returncode != 0, (
        "OpenCV survives an empty batch: take it out of NO_EMPTY_BATCH in "
        "cases.py."
    )


@pytest.mark.parametrize("case", SEEDED, ids=str)
def test_opencv_refuses_the_stream(case, load):
    # If it does not raise, add it to RUNTIMES in test_generate.py.
    load("opencv", EMPTY.file)
    import cv2

    with pytest.raises(cv2.error, match=r"Node \[(Range|BitwiseAnd)@"):
        load("opencv", case.file)


@pytest.mark.parametrize("case", SEEDED, ids=str)
def test_openvino_computes_another_stream_and_says_nothing(
    case, load, expected
):
    z = load("openvino", case.file)(**case.inputs())["z"]
    live = expected(case)["z"]
    assert z.shape == live.shape
    assert not np.allclose(z, live, rtol=0, atol=0.1), (
        "OpenVINO computes the seeded stream: add it to RUNTIMES in "
        "test_generate.py, and let the exporter no longer refuse it."
    )


def test_openvino_rounds_to_bfloat16_unless_told(load, models, expected):
    load("openvino", EMPTY.file)
    import openvino

    core, case = openvino.Core(), DECODE[-1]
    if "BF16" not in core.get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("This processor has no bfloat16: OpenVINO takes float32.")
    x = core.compile_model(models / case.file, "CPU")(case.inputs())[0]
    assert np.abs(x - expected(case)["x"]).max() > 1e-5, (
        "OpenVINO computes in float32 by default: take the hint out of "
        "in_python.py."
    )
