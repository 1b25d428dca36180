"""The model card: what a person should know of an exported model.

Its headings are those of Mitchell et al., "Model Cards for Model Reporting",
2019, https://arxiv.org/abs/1810.03993.
"""

import importlib.resources
import math
import pathlib
from typing import Any

import keras

from keras_vae_export import markdown
from keras_vae_export.markdown import Markdown, code
from keras_vae_export.run_records import Record, RunRecords
from keras_vae_export.usage import usage

FILE = "MODEL_CARD.md"
_TEMPLATE = "model_card.md.jinja"
_MOST_EVALUATIONS = 10
_EVERY_LAYER_HAS = ("name", "trainable", "dtype")
_NO_FIGURES = ("epoch", "seconds")
# What log p(x|z), the ELBO and log p(x) are to be called, by kind.
_NAMES = {
    "log-likelihood": ("log-likelihood", "ELBO", "log p(x)"),
    "log-density of intensities in [0, 1]": (
        "log-density of intensities in [0, 1]",
        "ELBO, of densities",
        "log p(x), a log-density",
    ),
    "cross-entropy on grey levels, not a likelihood": (
        "minus the cross-entropy on grey levels, not a likelihood",
        "the ELBO's formula with a cross-entropy, no bound on log p(x)",
        "the importance-weighted formula with a cross-entropy, not log p(x)",
    ),
}


def write(
    directory: pathlib.Path, manifest: Record, vae: Any, records: RunRecords
) -> None:
    """Writes `MODEL_CARD.md` to a version directory.

    Args:
        directory: The version directory.
        manifest: What `manifest.json` holds.
        vae: The live VAE.
        records: What its run directory tells.
    """
    text = render(manifest, vae, records)
    (directory / FILE).write_text(text, encoding="utf-8", newline="\n")


def render(manifest: Record, vae: Any, records: RunRecords) -> str:
    """Returns the model card, as `write` writes it.

    The same arguments give the same card: no clock is read.
    """
    import jinja2

    environment = jinja2.Environment(
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.ChainableUndefined,
        finalize=_finalize,
    )
    environment.filters.update(
        count=markdown.count,
        day=markdown.day,
        decimals=markdown.decimals,
        scientific=markdown.scientific,
    )
    package = importlib.resources.files("keras_vae_export")
    source = package.joinpath(_TEMPLATE).read_text(encoding="utf-8")
    examples = usage(manifest["signatures"])
    return environment.from_string(source).render(
        manifest=manifest,
        name=Markdown(manifest["name"]),
        latent_dim=manifest["latent_dim"],
        model=_model(vae),
        files=_files(manifest),
        signatures=_signatures(manifest),
        usage={name: Markdown(text) for name, text in examples.items()},
        versions=markdown.pairs(manifest["versions"]),
        **_run(records),
    )


def _finalize(value: Any) -> str:
    """Shows a value of the template; a name that is missing as `None` is."""
    import jinja2

    missing = isinstance(value, jinja2.Undefined)
    return markdown.shown(None if missing else value)


# --- The model ----------------------------------------------------------------


def _model(vae: Any) -> Record:
    """What the live VAE tells of itself."""
    parts = ("likelihood", "prior", "posterior", "objective")
    return {
        "parts": {name: described(getattr(vae, name)) for name in parts},
        "encoder_size": _size(vae.encoder) + _size(vae.posterior),
        "decoder_size": _size(vae.decoder) + _size(vae.likelihood),
        "prior_size": _size(vae.prior),
        "num_dims": math.prod(vae.event_shape),
        "condition_dim": vae.condition_dim,
        "admits_grey": getattr(vae.likelihood, "allow_grey", False),
    }


def _size(layer: Any) -> int:
    """Returns how many parameters a layer has."""
    return sum(math.prod(weight.shape) for weight in layer.weights)


def described(part: Any) -> str:
    """Returns a part as it would be made: `Normal(scale='shared')`."""
    return _call(keras.saving.serialize_keras_object(part))


def _call(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_call, value))}]"
    if not isinstance(value, dict) or "class_name" not in value:
        return repr(value)
    options = {
        name: option
        for name, option in (value.get("config") or {}).items()
        if name not in _EVERY_LAYER_HAS and option is not None
    }
    named = (f"{name}={_call(option)}" for name, option in options.items())
    return f"{value['class_name']}({', '.join(named)})"


# --- Its files ----------------------------------------------------------------


def _files(manifest: Record) -> list[tuple[Markdown, Markdown]]:
    """Names and sizes."""
    return [
        (code(name), Markdown(f"{file['size'] / 1000:,.1f} kB"))
        for name, file in manifest["files"].items()
    ]


def _signatures(manifest: Record) -> list[Record]:
    return [
        {
            "name": name,
            "inputs": _specs(one["inputs"]),
            "outputs": _specs(one["outputs"]),
            "files": Markdown(", ".join(map(code, one["files"].values()))),
        }
        for name, one in manifest["signatures"].items()
    ]


def _specs(specs: list[Record]) -> Markdown:
    """Inputs or outputs in one line: `z` float32 [N, 10]."""
    return Markdown(
        ", ".join(
            f"{code(spec['name'])} {spec['dtype']} "
            f"[{', '.join(map(str, spec['shape']))}]"
            for spec in specs
        )
    )


# --- Its run ------------------------------------------------------------------


def _run(records: RunRecords) -> Record:
    """What the run directory tells."""
    config, last = records.config or {}, None
    if records.epochs:
        row = records.epochs[-1]
        figures = {n: row[n] for n in row if n not in _NO_FIGURES}
        last = {"epoch": row["epoch"], "figures": _rounded(figures)}
    evaluations = records.evaluations[-_MOST_EVALUATIONS:]
    return {
        "is_recorded": records.config is not None,
        "config": config,
        "data_set": _data_set(config.get("dataset")),
        "binarization": {
            split: binarization_words(
                _at(config, "binarization", split),
                _at(config, "binarization", "static_seed"),
                config.get("seed"),
            )
            for split in ("train", "test")
        },
        "training_versions": markdown.pairs(config.get("versions")),
        "last_epoch": last,
        "evaluations": [_evaluation(row) for row in evaluations],
        "num_more": len(records.evaluations) - len(evaluations),
        "num_others": records.num_others,
        "model_sha256": records.model_sha256,
        "problems": records.problems,
    }


def _rounded(figures: Record) -> Markdown | None:
    return markdown.pairs(
        {
            name: markdown.shown(markdown.decimals(value))
            for name, value in figures.items()
        }
    )


def _at(record: Any, *names: str) -> Any:
    """Returns what stands at a path of names, or `None`."""
    for name in names:
        record = record.get(name) if isinstance(record, dict) else None
    return record


def _data_set(name: Any) -> Any:
    """Returns a data set's name; of a path, only the last part.

    The rest would tell of the machine that trained.
    """
    for kind in (pathlib.PurePosixPath, pathlib.PureWindowsPath):
        if isinstance(name, str) and kind(name).is_absolute():
            return kind(name).name
    return name


def binarization_words(mode: Any, static_seed: Any, seed: Any = None) -> Any:
    """Says how a split is binarised.

    Args:
        mode: As `config.json` has it. Another value is returned as it is.
        static_seed: The seed of what is drawn once.
        seed: The seed of what is drawn afresh.
    """
    words = {
        "none": "not binarised",
        "threshold": "binarised at one half",
        "static": f"binarised once with seed {markdown.shown(static_seed)}",
        "dynamic": "binarised afresh each epoch with seed "
        f"{markdown.shown(seed)}",
    }
    known = isinstance(mode, str) and mode in words
    return Markdown(words[mode]) if known else mode


def _evaluation(row: Record) -> Record:
    """One measurement, and what its figures are to be called."""
    kind = row.get("kind")
    unknown = (code(kind), "ELBO", "log p(x)")
    names = _NAMES.get(kind, unknown) if isinstance(kind, str) else unknown
    return {
        **row,
        "names": dict(
            zip(
                ("log_likelihood", "elbo", "marginal"),
                map(Markdown, names),
                strict=True,
            )
        ),
        "binarization": binarization_words(
            row.get("binarization"), row.get("binarization_seed")
        ),
        "versions": markdown.pairs(row.get("versions")),
        "has_marginal": row.get("importance_samples") is not None,
    }
