"""`keras-vae generate --url`: images from a server, without Keras."""

import argparse
import json
import os
import pathlib
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

from keras_vae_serving.backends import UsageError
from keras_vae_serving.ports import KEY_VARIABLE
from keras_vae_serving.status import Code, ServingError

SUFFIXES = (".png", ".npy", ".npz")
_FAILED = 1
_EPILOG = f"""\
The file is what `keras-vae generate RUN` writes for the run that was
exported. A key may also stand in the environment variable {KEY_VARIABLE}.
"""
# The server failed; with any other code it refused what was asked.
_FAILURES = (
    Code.UNKNOWN,
    Code.DEADLINE_EXCEEDED,
    Code.INTERNAL,
    Code.UNAVAILABLE,
    Code.DATA_LOSS,
)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(
            f"{message}. Call `keras-vae generate --url URL --help`."
        )


def main(argv: Sequence[str]) -> int:
    """Writes a file of images; returns 1 if the server failed.

    Raises:
        UsageError: if an option is bad, the server refuses what is asked, or
            a library is missing.
    """
    options = _parser().parse_args(list(argv))
    _check_out(options.out)
    try:
        _generate(options)
    except ImportError as error:
        raise UsageError(
            f"`keras-vae generate --url` needs `{error.name}`, which is not "
            'installed. Install it with: pip install "keras-vae[serving]"'
        ) from error
    except ServingError as error:
        if error.code not in _FAILURES:
            raise UsageError(_told(error)) from error
        print(f"Error: {_told(error)}", file=sys.stderr)
        return _FAILED
    except (ValueError, TypeError, OSError) as error:
        raise UsageError(_one_line(error)) from error
    return 0


def _generate(options: argparse.Namespace) -> None:
    condition = _condition(options.condition)
    with _client(options) as client:
        images, latents = client.generate(
            options.num_samples,
            options.seed,
            options.temperature,
            return_latents=True,
            condition=condition,
        )
    _write(options, images, latents)
    if not options.json:
        print(f"Wrote {len(images)} images, seed {options.seed}: {options.out}")
        return
    figures = {
        "url": options.url,
        "model": options.model,
        "out": str(options.out),
        "num_samples": len(images),
        "shape": list(images.shape),
        "seed": options.seed,
        "temperature": options.temperature,
    }
    print(json.dumps(figures, indent=2))


def _client(options: argparse.Namespace) -> Any:
    # Imported late: `--help` needs none of it.
    from keras_vae_serving.client import Client, target

    try:
        target.parse(options.url, options.model, None, None)
    except ValueError as error:
        raise UsageError(
            "`--url` must be http://HOST:PORT for REST or HOST:PORT for gRPC, "
            "with https:// or grpcs:// where it is encrypted. Received: --url "
            f"{options.url!r} --model {options.model!r}. Pass e.g. `--url "
            "http://localhost:8501 --model digits`."
        ) from error
    return Client(
        options.url,
        options.model,
        version=options.model_version,
        label=options.model_label,
        timeout_s=options.timeout_seconds,
        api_key=_key(options.api_key_file),
        tls_ca=options.tls_ca,
    )


def _write(options: argparse.Namespace, images: Any, latents: Any) -> None:
    import numpy as np

    out = options.out
    if out.suffix == ".png":
        from keras_vae_serving import image_grid

        picture = image_grid.draw(images)
        out.parent.mkdir(parents=True, exist_ok=True)
        picture.save(out)
        return
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".npy":
        np.save(out, images)
        return
    np.savez(
        out,
        images=images,
        latents=latents,
        seed=options.seed,
        temperature=options.temperature,
    )


def _condition(text: str | None) -> Any:
    """Reads `--condition`: numbers, or a file of an array."""
    import numpy as np

    if text is None:
        return None
    if text.endswith(".npy"):
        return np.load(text, allow_pickle=False)
    try:
        numbers = [float(one) for one in text.split(",")]
    except ValueError as error:
        raise UsageError(
            "`--condition` must be a label, labels with commas between them, "
            "or a file that ends in .npy. Received: --condition "
            f"{text!r}. Pass e.g. `--condition 7`."
        ) from error
    return numbers[0] if len(numbers) == 1 else numbers


def _key(file: pathlib.Path | None) -> str | None:
    from keras_vae_serving.operations.keys import read_keys

    if file is None:
        return os.environ.get(KEY_VARIABLE) or None
    keys = read_keys(file.read_text(encoding="utf-8"))
    if not keys:
        raise UsageError(
            "`--api-key-file` must hold a key. Received: --api-key-file "
            f"{str(file)!r}, which holds none. Leave it out where the server "
            "asks for none."
        )
    return keys[0]


def _check_out(out: pathlib.Path) -> None:
    if out.suffix not in SUFFIXES:
        raise UsageError(
            f"`--out` must be one of {list(SUFFIXES)}. Received: --out="
            f"{out.suffix!r}. It is the end of {str(out)!r}. Pass e.g. `--out "
            "images.png`."
        )
    if os.path.lexists(out):
        raise UsageError(
            "`--out` must be a file that does not exist yet. Received: "
            f"--out {out}, which exists. Choose another name."
        )


def _told(error: ServingError) -> str:
    text = _one_line(error)
    if "Batching Run()" in text:
        # TensorFlow Serving's words where it runs with batching.
        return (
            f"{text}. TensorFlow Serving refuses `generate` while it batches: "
            "run it without --enable_batching, or ask `keras-vae serve`."
        )
    return text


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _parser() -> _Parser:
    parser = _Parser(
        prog="keras-vae generate",
        description="Draw images from a model that `keras-vae serve` or "
        "TensorFlow Serving\nserves; needs no Keras.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    _add_images(parser)
    _add_server(parser.add_argument_group("server"))
    return parser


def _add_images(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--out",
        type=pathlib.Path,
        required=True,
        metavar="FILE",
        help="the file to write: .png for a grid, .npy for the images alone, "
        ".npz for images and latents",
    )
    parser.add_argument(
        "--num-samples",
        type=_count,
        default=16,
        metavar="N",
        help="how many images (default: 16)",
    )
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="N",
        help="the same seed gives the same images, as everywhere (default: 0)",
    )
    parser.add_argument(
        "--temperature",
        type=float,
        default=1.0,
        metavar="T",
        help="scales the prior's noise (default: 1)",
    )
    parser.add_argument(
        "--condition",
        metavar="C",
        help="of a conditional model: a label for all images, labels with "
        "commas between them, or a file .npy of labels or vectors",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object"
    )


def _add_server(group: Any) -> None:
    group.add_argument(
        "--url",
        required=True,
        metavar="URL",
        help="http://HOST:PORT for REST, HOST:PORT for gRPC; https:// and "
        "grpcs:// with TLS",
    )
    group.add_argument("--model", required=True, help="the model's name")
    group.add_argument(
        "--model-version",
        type=int,
        metavar="N",
        help="its version (default: the newest)",
    )
    group.add_argument(
        "--model-label", metavar="LABEL", help="its version's label"
    )
    group.add_argument(
        "--api-key-file",
        type=pathlib.Path,
        metavar="FILE",
        help="the file whose first line is the key that the server asks for",
    )
    group.add_argument(
        "--tls-ca",
        type=pathlib.Path,
        metavar="PEM",
        help="the authorities to trust (default: the system's)",
    )
    group.add_argument(
        "--timeout-seconds",
        type=float,
        default=30.0,
        metavar="S",
        help="how long the server may take (default: 30)",
    )


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, not {text}")
    return number
