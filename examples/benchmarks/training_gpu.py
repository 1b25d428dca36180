"""How busy a GPU is while something runs, as `nvidia-smi` sees it."""

import contextlib
import shutil
import statistics
import subprocess

COMMAND = "nvidia-smi"
MILLISECONDS = 50  # between two looks


def names():
    """Returns the GPUs' names; none where there is no `nvidia-smi`."""
    if shutil.which(COMMAND) is None:
        return []
    query = [COMMAND, "--query-gpu=name", "--format=csv,noheader"]
    result = subprocess.run(query, capture_output=True, text=True)
    return result.stdout.split("\n")[:-1] if result.returncode == 0 else []


@contextlib.contextmanager
def watched():
    """Looks at the first GPU until the block ends.

    Yields:
        A dictionary that holds `"percent"`, the mean utilisation, after the
        block.
    """
    query = [COMMAND, "--id=0", "--query-gpu=utilization.gpu"]
    query += ["--format=csv,noheader,nounits", f"--loop-ms={MILLISECONDS}"]
    found = {}
    with subprocess.Popen(query, stdout=subprocess.PIPE, text=True) as process:
        process.stdout.readline()  # It has begun to look.
        yield found
        process.terminate()
        looks = process.stdout.read().split()
    found["percent"] = statistics.mean(map(int, looks)) if looks else None


def beside_each_turn():
    """Returns what `take_turns` needs: `watched` where there is a GPU."""
    return watched if names() else contextlib.nullcontext
