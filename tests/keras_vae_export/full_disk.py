"""Exports to a disk that is full, or read-only: a small one, just mounted.

Run as `python -m tests.keras_vae_export.full_disk DISK MODEL`, where DISK may
be filled and remounted, it prints a line of JSON for each attempt.
"""

import contextlib
import errno
import io
import json
import pathlib
import subprocess
import sys
from unittest import mock

from keras_vae import cli
from keras_vae_export import manifest, onnx_file, saved_model

# Where the disk becomes full: before the named files are written.
FULL = {
    "The SavedModel": (saved_model, "tf_saved_model"),
    "`onnx/decode.onnx`": (onnx_file, "onnx"),
    "The export to ": (manifest, "onnx"),
}


def fill(disk):
    with (disk / "ballast").open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError as error:
            assert error.errno == errno.ENOSPC


def export(disk, model, format):
    """Exports by the command line; returns what it said and left."""
    arguments = ["export", model, f"--out={disk / 'models'}", "--name=m"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main([*arguments, f"--format={format}"])
    left = [path.name for path in disk.rglob("*") if path.name != "ballast"]
    return {"code": code, "err": err.getvalue(), "left": left}


def export_to_full_disk(disk, model, module, format):
    write = module.write

    def write_to_full_disk(*arguments):
        fill(disk)
        return write(*arguments)

    try:
        with mock.patch.object(module, "write", write_to_full_disk):
            return export(disk, model, format)
    finally:
        (disk / "ballast").unlink()


def main():
    disk, model = pathlib.Path(sys.argv[1]), sys.argv[2]
    for subject, (module, format) in FULL.items():
        found = export_to_full_disk(disk, model, module, format)
        print(json.dumps({"case": subject, **found}), flush=True)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    found = export(disk, model, "onnx")
    print(json.dumps({"case": "read-only", **found}), flush=True)


if __name__ == "__main__":
    main()
