"""`keras-vae serve`, which writes in the end which packages it has loaded.

The file is what the environment variable MODULES says.
"""

import atexit
import json
import os
import pathlib
import sys


def write():
    names = sorted({name.partition(".")[0] for name in sys.modules})
    path = pathlib.Path(os.environ["MODULES"])
    new = path.with_suffix(".new")
    new.write_text(json.dumps(names))
    new.rename(path)


atexit.register(write)

if __name__ == "__main__":
    from keras_vae_serving import command

    raise SystemExit(command.main())
