import pytest

from keras_vae_export.errors import ExportError
from keras_vae_export.interface import check_interface
from keras_vae_export.signatures import Signature, TensorSpec

pytestmark = pytest.mark.once

Z = TensorSpec("z", "float32", ("N", 3))
X = TensorSpec("x", "float32", ("N", 4, 4, 1))
DECODE = Signature("decode", (Z,), (X,))


def test_the_same_interface_passes():
    check_interface("f", DECODE, [Z], [X])


@pytest.mark.parametrize(
    "found",
    [
        [],
        [X, Z],
        [X._replace(name="output_0")],
        [X._replace(dtype="float16")],
        [X._replace(shape=(1, 4, 4, 1))],
        [X._replace(shape=("N", None, 4, 1))],
    ],
)
def test_another_interface_is_refused(found):
    message = r"`f` must have x: float32 \[N, 4, 4, 1\]. Received: "
    with pytest.raises(ExportError, match=message):
        check_interface("f", DECODE, [Z], found)
