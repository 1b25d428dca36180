"""The check of a written file's inputs and outputs."""

from collections.abc import Iterable

from keras_vae_export.errors import ExportError
from keras_vae_export.signatures import Signature, TensorSpec


def check_interface(
    path: str,
    signature: Signature,
    inputs: Iterable[TensorSpec],
    outputs: Iterable[TensorSpec],
) -> None:
    """Raises unless a file's inputs and outputs are its signature's.

    Args:
        path: The file, for the message.
        signature: What it was written from.
        inputs: The inputs that its runtime finds in it.
        outputs: The outputs that its runtime finds in it.

    Raises:
        ExportError: if they differ in name, dtype or shape.
    """
    sides = ((signature.inputs, inputs), (signature.outputs, outputs))
    for wanted, found in sides:
        if sorted(wanted, key=_name) != sorted(found, key=_name):
            raise ExportError(
                f"`{path}` must have {_shown(wanted)}. Received: "
                f"{_shown(found)}. Look for a layer of the decoder whose "
                "output has no fixed shape, or another dtype than float32."
            )


def _name(spec: TensorSpec) -> str:
    return spec.name


def _shown(specs: Iterable[TensorSpec]) -> str:
    return ", ".join(
        f"{spec.name}: {spec.dtype} [{', '.join(map(str, spec.shape))}]"
        for spec in sorted(specs, key=_name)
    )
