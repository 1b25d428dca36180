"""The table of what the variants of an export's ONNX files gain and lose."""

from collections.abc import Mapping
from typing import Any

from keras_vae.cli.output import Output

_HEADER = (
    "file",
    "kB",
    "size",
    "batch 1",
    "batch 32",
    "difference",
    "limit",
    "converted",
    "in float32",
)

_MAX_TYPES = 4  # More are counted together: the manifest names them.


def say_variants(manifest: Mapping[str, Any], output: Output) -> None:
    """Prints what was measured of each variant, if there are any.

    Args:
        manifest: A version directory's.
        output: Where to.
    """
    rows = [
        _row(one)
        for signatures in manifest.get("variants", {}).values()
        for one in signatures.values()
    ]
    if rows:
        output.say(
            "Variants beside the float32 file: size, latency in onnxruntime "
            "on one thread, largest difference:"
        )
        output.table([_HEADER, *rows])


def _row(one: Mapping[str, Any]) -> tuple[str, ...]:
    latency, of_float32 = one["latency_ms"], one["latency_ms_of_float32"]
    ratios = [latency[key] / max(of_float32[key], 1e-9) for key in latency]
    return (
        one["file"],
        f"{one['size'] / 1000:.0f}",
        f"{one['size'] / one['size_of_float32']:.2f}x",
        *(f"{ratio:.2f}x" for ratio in ratios),
        f"{one['max_difference']:.1e}",
        f"{one['limit']:.1e}",
        _counts(one["converted"]),
        _counts(one["kept_in_float32"]),
    )


def _counts(counts: Mapping[str, int]) -> str:
    if len(counts) > _MAX_TYPES:
        return f"{sum(counts.values())} operations"
    named = [f"{count} {name}" for name, count in counts.items()]
    return ", ".join(named) or "-"
