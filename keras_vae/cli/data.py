"""The data of a run: what is trained on, tested on, and how binarised."""

import pathlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from keras_vae import datasets
from keras_vae.cli.train_arguments import TrainArguments
from keras_vae.likelihoods import Likelihood
from keras_vae.validation import require

# Test sets are drawn by one seed, so that runs can be compared.
STATIC_SEED = 0

# How a split of a trained mode is binarised where figures are measured.
_WHEN_MEASURED = {"dynamic": "static"}


class RunData(NamedTuple):
    """The data of a run, and what `config.json` says of them."""

    train: Any  # array (num_examples, *event_shape), or DynamicBinarization
    test: np.ndarray  # (num_examples, *event_shape)
    labels: np.ndarray | None  # (num_examples,) of the test split
    config: dict[str, Any]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one x."""
        return tuple(self.test.shape[1:])


def load(arguments: TrainArguments, likelihood: Likelihood) -> RunData:
    """Loads both splits of a run.

    Args:
        arguments: The options of `keras-vae train`.
        likelihood: The likelihood, which tells whether it wants 0 and 1.
    """
    dataset = absolute(arguments.dataset)
    mode = _mode(arguments.binarize, likelihood)
    names = _splits(arguments, dataset)
    config: dict[str, Any] = {
        "dataset": dataset,
        "data_dir": _text(arguments.data_dir),
        "image_size": arguments.image_size,
        "splits": names,
        "limit": arguments.limit,
        "binarization": {
            "train": mode or "none",
            "test": _WHEN_MEASURED.get(mode or "", mode) or "none",
            "static_seed": STATIC_SEED,
        },
    }
    train = _load_train(arguments, dataset, names["train"], mode)
    test, labels = load_split(
        config, names["test"], arguments.limit, with_labels=True
    )
    config["num_examples"] = {"train": _size(train), "test": len(test)}
    return RunData(train, test, labels, config)


def load_split(
    config: Mapping[str, Any],
    split: str,
    limit: int | None = None,
    data_dir: pathlib.Path | None = None,
    with_labels: bool = False,
) -> tuple[np.ndarray, np.ndarray | None]:
    """Loads a split as figures are measured on it.

    Args:
        config: What `config.json` of the run holds.
        split: The split's name.
        limit: Integer, how many examples at most.
        data_dir: Where TensorFlow Datasets lie, unless where they lay.
        with_labels: Boolean, whether to load labels, if there are any.

    Returns:
        Images `(num_examples, *event_shape)`, and labels or `None`.
    """
    name, folder = config["dataset"], _text(data_dir) or config["data_dir"]
    mode = config["binarization"]["test"]
    labelled = with_labels and datasets.info(name, folder).has_labels
    loaded = datasets.load(
        name,
        split,
        data_dir=folder,
        image_size=config["image_size"],
        binarize=None if mode == "none" else mode,
        seed=config["binarization"]["static_seed"],
        with_labels=labelled,
    )
    x, labels = loaded if labelled else (loaded, None)
    return x[:limit], None if labels is None else labels[:limit]


def absolute(dataset: str) -> str:
    """Returns a path that means the same from any directory.

    Names of datasets stay as they are.
    """
    path = pathlib.Path(dataset).expanduser()
    is_folder = path.is_dir() and ("/" in dataset or "\\" in dataset)
    is_file = path.is_file() and path.suffix == ".npz"
    return str(path.resolve()) if is_folder or is_file else dataset


def _mode(binarize: str | None, likelihood: Likelihood) -> str | None:
    """Returns what `datasets.load` takes as `binarize`."""
    if binarize is not None:
        return None if binarize == "none" else binarize
    return "dynamic" if wants_binary(likelihood) else None


def wants_binary(likelihood: Likelihood) -> bool:
    """Whether a likelihood admits no grey level of an image."""
    levels = np.arange(1, 255, dtype="float32") / np.float32(255)
    return bool(likelihood.outside_support(levels.reshape(-1, 1, 1, 1)).all())


def _splits(arguments: TrainArguments, dataset: str) -> dict[str, str]:
    """Returns both splits; those that are not given do not overlap."""
    train, test = arguments.split, arguments.test_split
    if train is None or test is None:
        folder = _text(arguments.data_dir)
        defaults = datasets.default_splits(dataset, folder)
        is_held_out = "[" in defaults[1]
        require(
            not is_held_out or train == test,
            "`--split` and `--test-split` must both be given, or neither, "
            f"for a dataset without a test split. Received: {train or test}. "
            f"Pass e.g. `--split {defaults[0]} --test-split {defaults[1]}`.",
        )
        train, test = train or defaults[0], test or defaults[1]
    return {"train": train, "test": test}


def _load_train(
    arguments: TrainArguments, dataset: str, split: str, mode: str | None
) -> Any:
    seed = arguments.seed if mode == "dynamic" else STATIC_SEED
    loaded = datasets.load(
        dataset,
        split,
        data_dir=_text(arguments.data_dir),
        image_size=arguments.image_size,
        binarize=mode,
        seed=seed,
        batch_size=arguments.batch_size,
    )
    if mode != "dynamic":
        return loaded[: arguments.limit]
    if arguments.limit is None:
        return loaded
    return datasets.DynamicBinarization(
        loaded.images[: arguments.limit], arguments.batch_size, seed=seed
    )


def _size(data: Any) -> int:
    return int(getattr(data, "num_examples", None) or len(data))


def _text(path: pathlib.Path | None) -> str | None:
    return None if path is None else str(path.expanduser().absolute())
