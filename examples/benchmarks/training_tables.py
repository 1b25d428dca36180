"""The tables of the training benchmark, in Markdown."""

from contenders import BACKENDS, CONTENDERS


def table(head, rows):
    """Returns a table of strings."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def training(found):
    """The contenders, then how many times faster `fit` is than each."""
    return f"{contenders(found)}\n\n{ratios(found['ratios'])}"


def contenders(found):
    """One row for each contender and backend."""
    gpu = any("gpu_percent" in row for row in found["rows"])
    own = found["allowed_by_own"]
    head = ["contender", "backend", "images/s", "of what is allowed"]
    head += ["by its own product"] * bool(own)
    head += ["first step (s)", "peak memory (GiB)", "loss (nats)"]
    rows = []
    for row in found["rows"]:
        speed = row["images_per_second"]
        cells = [CONTENDERS[row["contender"]].title, row["backend"]]
        cells += [f"{speed:,}", share(speed, found["allowed"])]
        cells += [share(speed, own.get(row["backend"]))] * bool(own)
        cells += [f"{row['first_step_seconds']:.1f}"]
        cells += [f"{row['peak_gib']:.2f}", f"{row['loss']:.1f}"]
        rows.append(cells + [f"{row.get('gpu_percent', '')} %"] * gpu)
    return table(head + ["GPU busy"] * gpu, rows)


def share(speed, allowed):
    """Percentage of what the matrix product allows."""
    return f"{100 * speed / allowed:.0f} %" if allowed else ""


def ratios(found):
    """How many times faster `fit` is, by contender and backend."""
    rows = [
        [CONTENDERS[name].title, *cells(by_backend, "{:.2f}")]
        for name, by_backend in found.items()
    ]
    return table(["keras_vae `fit` is faster than, times", *BACKENDS], rows)


def cells(by_backend, form):
    """One cell for each backend, empty where nothing was measured."""
    return [
        form.format(by_backend[backend]) if backend in by_backend else ""
        for backend in BACKENDS
    ]


def matmul(found):
    """GFLOP/s."""
    names = {
        "small": "(128 x 784) (784 x 400)",
        "large": "(1024 x 1024) (1024 x 1024)",
    }
    rows = [
        [name, *cells({b: one[size] for b, one in found.items()}, "{}")]
        for size, name in names.items()
    ]
    return table(["float32 matrix product (GFLOP/s)", *BACKENDS], rows)


def startup(found):
    """Milliseconds."""
    names = {
        "keras": "`import keras`",
        "keras_vae": "`import keras` and `import keras_vae`",
        "added": "what `import keras_vae` adds",
    }
    rows = [
        [name, *cells({b: one[key] for b, one in found.items()}, "{:,}")]
        for key, name in names.items()
    ]
    return table(["start-up (ms)", *BACKENDS], rows)


def iwae(found):
    """One row for each backend and k."""
    head = ["backend", "k", "step (ms)", "times k = 1", "1 + 0.6 k"]
    head += ["peak memory (GiB)"]
    rows = []
    for backend, by_k in found.items():
        for k, one in by_k.items():
            line = [backend, k, f"{one['milliseconds']:.1f}"]
            line += [f"{one['ratio']:.2f}" if "ratio" in one else ""]
            line += [f"{1 + 0.6 * int(k):.1f}", f"{one['peak_gib']:.2f}"]
            rows.append(line)
    return table(head, rows)


def marginal(found):
    """One row for each backend, and pythae's."""
    head = ["log p(x), K = 5,000", "an image (s)", "mean (nats)"]
    head += ["faster than `get_nll`, times"]
    rows = []
    for name, one in found.items():
        title = "pythae `get_nll`" if name == "pythae" else name
        line = [title, f"{one['seconds']:.3f}", f"{one['nats']:.2f}"]
        rows.append([*line, f"{one['ratio']:.2f}" if "ratio" in one else ""])
    return table(head, rows)


TABLES = {
    "mlp": training,
    "alone": training,
    "conv": training,
    "matmul": matmul,
    "startup": startup,
    "iwae": iwae,
    "marginal": marginal,
}
