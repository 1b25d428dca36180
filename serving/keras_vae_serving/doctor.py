"""`keras-vae doctor`: what is installed, what works and what is missing."""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NoReturn

from keras_vae_serving import backends, extras
from keras_vae_serving.backends import BACKENDS, UsageError

PACKAGES = (
    "keras-vae",
    "keras",
    "numpy",
    "tensorflow",
    "tensorflow-cpu",
    "jax",
    "jaxlib",
    "torch",
    "onnx",
    "onnxruntime",
    "tf2onnx",
    "protobuf",
    "tensorflow-datasets",
    "scikit-learn",
    "matplotlib",
    "typer",
    "rich",
)

# A backend's devices are asked for in a process of its own: importing three
# backends into one takes long, and a broken one may end the process.
TIMEOUT_S = 120
PROBES = {
    "tensorflow": """
import tensorflow as backend
devices = []
for device in backend.config.list_physical_devices():
    details = backend.config.experimental.get_device_details(device)
    label = device.name.split("physical_device:")[-1]
    devices.append(f"{label} {details.get('device_name', '')}".strip())
""",
    "jax": """
import jax as backend
devices = []
for device in backend.devices():
    label = f"{device.platform.upper()}:{device.id}"
    kind = device.device_kind
    known = kind.lower() == device.platform.lower()
    devices.append(label if known else f"{label} {kind}")
""",
    "torch": """
import torch as backend
devices = ["CPU:0"]
for i in range(backend.cuda.device_count()):
    devices.append(f"GPU:{i} {backend.cuda.get_device_name(i)}")
if backend.backends.mps.is_available():
    devices.append("GPU:0 Apple MPS")
""",
}
PRINT = """
import json
print(json.dumps({"version": backend.__version__, "devices": devices}))
"""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}. Call `keras-vae doctor --help`.")


def main(argv: Sequence[str] = ()) -> int:
    """Prints the report; returns 0 if a backend works and 1 otherwise.

    With `--serving`, checks a directory of models instead; returns 0 if all
    of it would load and 1 otherwise.
    """
    options = _parser().parse_args(list(argv))
    if options.serving is not None:
        return _check_directory(options)
    if options.models_config_file is not None:
        raise UsageError(
            "`--models-config-file` must follow `--serving DIR`. Received: "
            f"--models-config-file {options.models_config_file} alone. Call "
            "e.g. `keras-vae doctor --serving models --models-config-file "
            "models.config`."
        )
    report = collect()
    print(json.dumps(report, indent=2) if options.json else render(report))
    works = any(found["works"] for found in report["backends"].values())
    return 0 if works else 1


def _parser() -> _Parser:
    parser = _Parser(
        prog="keras-vae doctor",
        description="Show versions, backends, devices and what is missing; "
        "or check that a directory of models would load.",
        epilog="Exit code: 0 if a backend works, or all models would load; "
        "1 if not; 2 for bad input.",
    )
    parser.add_argument(
        "--json", action="store_true", help="print one JSON object"
    )
    parser.add_argument(
        "--serving",
        metavar="DIR",
        type=pathlib.Path,
        help="load and run what `keras-vae export` wrote: models, one model "
        "or one version; in TensorFlow too, where it is installed",
    )
    parser.add_argument(
        "--models-config-file",
        "--model_config_file",
        metavar="FILE",
        type=pathlib.Path,
        help="with --serving: check this models.config against DIR",
    )
    return parser


def _check_directory(options: argparse.Namespace) -> int:
    try:
        # Imported here: it brings onnxruntime.
        from keras_vae_serving import doctor_serving
    except ImportError as error:
        raise UsageError(
            f"`--serving` needs `{error.name}`, which is not installed. "
            'Install it with: pip install "keras-vae[serving]"'
        ) from error
    return doctor_serving.main(
        options.serving, options.models_config_file, options.json
    )


def collect() -> dict[str, Any]:
    """Returns the report, ready for JSON."""
    with ThreadPoolExecutor() as pool:
        found = dict(zip(BACKENDS, pool.map(probe, BACKENDS), strict=True))
    chosen, source, problem = None, None, ""
    try:
        chosen, source, problem = backends.choose()
    except UsageError as error:
        problem = str(error)
    return {
        "python": platform.python_version(),
        "platform": f"{platform.system()} {platform.machine()}",
        "cpus": os.cpu_count(),
        "packages": {name: extras.installed_version(name) for name in PACKAGES},
        "backends": found,
        "backend": chosen,
        "backend_source": source,
        "extras": _extras(),
        "warnings": _warnings(found, chosen, problem),
    }


def probe(backend: str) -> dict[str, Any]:
    """Asks one backend, in a process of its own, for its devices.

    Returns:
        A dictionary of `installed`, `works`, `version`, `devices`, `error`.
    """
    found: dict[str, Any] = {
        "installed": backends.is_installed(backend),
        "works": False,
        "version": None,
        "devices": [],
        "error": None,
    }
    if not found["installed"]:
        return found
    quiet = {
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "XLA_PYTHON_CLIENT_PREALLOCATE": "false",
    }
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", PROBES[backend] + PRINT],
            env=os.environ | quiet,
            capture_output=True,
            text=True,
            timeout=TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        return found | {"error": f"no answer within {TIMEOUT_S} seconds"}
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        last = lines[-1] if lines else f"exit code {done.returncode}"
        return found | {"error": last}
    answer = json.loads(done.stdout.strip().splitlines()[-1])
    return found | answer | {"works": True}


def _extras() -> dict[str, dict[str, Any]]:
    return {
        extra or "keras-vae": {
            "missing": [o.text for o in required if not extras.is_met(o)],
            "install": extras.install_command(extra, required),
        }
        for extra, required in extras.requirements().items()
    }


def _warnings(
    found: dict[str, dict[str, Any]], chosen: str | None, problem: str
) -> list[str]:
    warnings = [problem] if problem else []
    if chosen is not None and not found[chosen]["works"]:
        warnings.append(
            f"Commands would run on {chosen}, which does not work here. "
            "Choose another with `--backend` or KERAS_BACKEND."
        )
    beside = [n for n in extras.TENSORFLOW if extras.installed_version(n)]
    if len(beside) > 1:
        warnings.append(
            f"{' and '.join(beside)} are installed beside each other and "
            "overwrite each other's files. Keep one: pip uninstall -y "
            f"{' '.join(beside)} && pip install {beside[0]}"
        )
    if extras.installed_version("keras-vae") is None:
        warnings.append(
            "keras-vae is not installed as a package, so its extras are not "
            "known. Install it with: pip install keras-vae"
        )
    return warnings


def render(report: dict[str, Any]) -> str:
    """Returns the report as text for a terminal."""
    version = report["packages"]["keras-vae"] or "(not installed)"
    lines = [
        f"keras-vae {version} on Python {report['python']}, "
        f"{report['platform']}, {report['cpus']} CPUs"
    ]
    lines += _section("Backends", _backend_rows(report))
    if report["backend"]:
        lines += [
            "",
            f"  Commands run on {report['backend']} "
            f"({report['backend_source']}).",
        ]
    packages = report["packages"].items()
    lines += _section("Packages", [(n, v or "-") for n, v in packages])
    lines += _section("Extras", _extra_rows(report))
    lines += _section("Warnings", [(text,) for text in report["warnings"]])
    return "\n".join(lines)


def _backend_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for name, found in report["backends"].items():
        if found["works"]:
            state, last = "works", ", ".join(found["devices"])
        elif found["installed"]:
            state, last = "broken", found["error"]
        else:
            state, last = "missing", f'pip install "keras-vae[{name}]"'
        rows.append((name, found["version"] or "-", state, last))
    return rows


def _extra_rows(report: dict[str, Any]) -> list[tuple[str, ...]]:
    return [
        (name, f"missing {', '.join(found['missing'])}", found["install"])
        if found["missing"]
        else (name, "complete", "")
        for name, found in report["extras"].items()
        if name not in BACKENDS
    ]


def _section(title: str, rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Returns a title and its rows in aligned columns; nothing for no rows."""
    if not rows:
        return []
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "  ".join(
            f"{cell:{width}}" for cell, width in zip(row, widths, strict=True)
        )
        for row in rows
    ]
    return ["", title, *(f"  {line}".rstrip() for line in lines)]
