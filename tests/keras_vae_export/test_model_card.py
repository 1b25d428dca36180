import hashlib
import json
import re

import numpy as np
import pytest
from markdown_it import MarkdownIt

import keras_vae
import keras_vae_export
from keras_vae import likelihoods, networks, objectives, priors
from keras_vae_export import model_card, process, run_records
from keras_vae_export.requests import Report

pytestmark = pytest.mark.once

HEADINGS = [
    "Model details",
    "Training data",
    "Training procedure",
    "Evaluation",
    "How to use",
    "Files and signatures",
    "Parity figures",
    "Reproducibility",
    "Intended use and limitations",
]
VERSIONS = {"python": "3.11.7", "keras": "3.15.1", "jax": "0.10.2"}
CONFIG = {
    "date": "2026-11-22T04:15:05+00:00",
    "keras_vae": "0.1.0",
    "backend": "jax",
    "versions": VERSIONS,
    "seed": 5,
    "dataset": "digits",
    "image_size": None,
    "splits": {"train": "train[:80%]", "test": "train[80%:]"},
    "limit": None,
    "binarization": {"train": "dynamic", "test": "static", "static_seed": 0},
    "num_examples": {"train": 1437, "test": 360},
    "optimizer": "Adam",
    "arguments": {"epochs": 20, "batch_size": 128, "learning_rate": 0.002},
}
EPOCHS = [
    {"epoch": 1, "loss": 30.0, "seconds": 0.1},
    {"epoch": 19, "loss": 20.5209, "val_elbo": -20.358, "seconds": 0.1},
]
EVALUATION = {
    "date": "2026-11-23T04:15:05+00:00",
    "keras_vae": "0.1.0",
    "backend": "torch",
    "versions": {"keras": "3.15.1", "torch": "2.13.0"},
    "split": "train[80%:]",
    "limit": None,
    "binarization": "static",
    "binarization_seed": 0,
    "elbo": -20.2506,
    "log_likelihood": -16.0607,
    "kl": 4.1899,
    "marginal_log_likelihood": -19.7854,
    "elbo_standard_error": 0.233,
    "bits_per_dim": 0.45649,
    "num_examples": 360,
    "num_samples": 1,
    "kind": "log-likelihood",
    "importance_samples": 100,
    "marginal_bits_per_dim": 0.446,
}


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A conditional VAE in memory, and its version directory."""
    vae = keras_vae.ConditionalVAE(
        networks.mlp_encoder((4, 3, 1), (4,), condition_dim=2),
        networks.mlp_decoder(3, (6,), condition_dim=2),
        name="tiny",
    )
    folder = tmp_path_factory.mktemp("models")
    return vae, keras_vae_export.export(vae, folder, name="digits")


@pytest.fixture
def manifest(exported):
    return json.loads((exported[1] / "manifest.json").read_text())


@pytest.fixture
def card_of_run(exported, manifest, tmp_path):
    """Returns the card, had the model come from a run directory.

    Takes what `config.json` holds and changes of the evaluations.
    """
    vae, _ = exported
    run = tmp_path / "run"
    run.mkdir()
    (run / "model.keras").write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()

    def call(config=CONFIG, model=vae, seeds=(3,), **changes):
        row = {"model_sha256": digest, **EVALUATION, **changes}
        texts = {
            "config.json": [config],
            "metrics.jsonl": EPOCHS,
            "evaluations.jsonl": [{"seed": seed, **row} for seed in seeds],
        }
        for name, rows in texts.items():
            (run / name).write_text("\n".join(map(json.dumps, rows)))
        records = run_records.read(run / "model.keras")
        return model_card.render(manifest, model, records)

    return call


def section(card, heading):
    return card.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def assert_lines(text, *lines):
    missing = set(lines) - set(text.splitlines())
    assert not missing, text


def headings(card):
    return re.findall("^## (.*)$", card, re.MULTILINE)


def test_what_it_says_of_the_model(card_of_run):
    card = card_of_run()
    assert "\n# `digits`, version 1\n" in card
    assert headings(card) == HEADINGS
    assert_lines(
        section(card, "Model details"),
        "- Class: `ConditionalVAE`, named `tiny`",
        "- x: shape `[4, 3, 1]`, 12 dimensions",
        "- z: 3 latent dimensions",
        "- Likelihood p(x|z): `Bernoulli(allow_grey=False)`",
        "- Prior p(z): `StandardNormal()`",
        "- Approximate posterior q(z|x): `DiagonalNormal(latent_dim=3)`",
        "- Condition c: a vector of 2 numbers for each example; p(x) on this "
        "page is p(x|c)",
        # (12 + 2) -> 4 -> two heads of 3; (3 + 2) -> 6 -> 12.
        "- Parameters: 90 in the encoder and the posterior's head, 120 in the "
        "decoder and the likelihood's head, 0 in the prior",
    )


def test_what_it_says_of_the_training(card_of_run):
    card = card_of_run()
    assert_lines(
        section(card, "Training data"),
        "- Data set: `digits`",
        "- Training split: `train[:80%]`, 1,437 examples, binarised afresh "
        "each epoch with seed 5",
        "- Test split: `train[80%:]`, 360 examples, binarised once with seed 0",
    )
    assert_lines(
        section(card, "Training procedure"),
        "- Epochs: 19 of 20 asked for",
        "- Batch size: 128",
        "- Optimizer: `Adam`, learning rate 0.002",
        "- Seed: 5 (weights, order, noise)",
        "- Began: 2026-11-22",
        "- Backend: `jax`",
        "`loss 20.521`, `val_elbo -20.358`.",
    )
    assert_lines(
        section(card, "Reproducibility"),
        "- Seed of the training: 5",
        "- Trained with: keras-vae `0.1.0`, `python 3.11.7`, `keras 3.15.1`, "
        "`jax 0.10.2`",
    )


def test_what_it_says_of_the_figures(card_of_run):
    card = card_of_run()
    assert_lines(
        section(card, "Evaluation"),
        "On the split `train[80%:]`, 360 examples, binarised once with seed 0:",
        "- ELBO: -20.251 nats per example (standard error 0.233), 0.4565 "
        "bits/dim",
        "- log-likelihood: -16.061 nats; KL: 4.190 nats",
        "- log p(x): -19.785 nats, 0.4460 bits/dim, by 100 importance samples "
        "an example",
        "- Noise: seed 3, 1 posterior sample an example for the ELBO",
        "- Measured: 2026-11-23, with keras-vae `0.1.0`, `keras 3.15.1`, "
        "`torch 2.13.0`",
    )
    found = section(card, "Parity figures")
    for row in (
        "`saved_model.pb` | `TensorFlow`",
        "`onnx/decode.onnx` | `onnxruntime`",
    ):
        assert re.search(rf"^\| {row} \| [0-9.]+e-[0-9]+ \|$", found, re.M)
    assert "float32" not in found
    # The licence, of model and data, is all that a run does not record.
    assert re.findall(".*not recorded.*", card) == [
        'tell is "not recorded".',
        "- Licence: not recorded",
        "  licence and the content of the data are not recorded.",
    ]


def test_options_of_the_data(card_of_run):
    config = {**CONFIG, "limit": 50, "image_size": 32}
    config["dataset"] = "/home/someone/secret/faces.npz"
    card = card_of_run(config=config, limit=7)
    assert_lines(
        section(card, "Training data"),
        "- Data set: `faces.npz`",
        "- Only the first 50 examples of each split",
        "- Images resized: the shorter side to 32 pixels, the centre cropped",
    )
    assert "360 examples (the first 7), binarised" in card
    assert "someone" not in card


def test_no_importance_samples(card_of_run):
    card = card_of_run(importance_samples=None, num_samples=1)
    assert "- log p(x): not recorded\n" in section(card, "Evaluation")


GREY = "cross-entropy on grey levels, not a likelihood"


def test_a_cross_entropy_is_called_so(card_of_run):
    vae = keras_vae.VAE(
        networks.mlp_encoder((4, 3, 1), (4,)),
        networks.mlp_decoder(3, (6,)),
        likelihood=likelihoods.Bernoulli(allow_grey=True),
    )
    card = card_of_run(model=vae, kind=GREY)
    found = section(card, "Evaluation")
    assert f"- minus the {GREY}: -16.061 nats" in found
    assert "\n- ELBO:" not in found
    assert "\n- log p(x):" not in found
    assert "log-likelihood" not in card
    assert "it gives them is a cross-entropy" in section(card, "Model details")
    assert "The ELBO bounds log p(x)" not in card


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        (
            "log-density of intensities in [0, 1]",
            "- log-density of intensities in [0, 1]: -16.061 nats; KL",
        ),
        ("new", "- `new`: -16.061 nats; KL"),
        (["odd"], "- `['odd']`: -16.061 nats; KL"),
    ],
)
def test_other_kinds(kind, line, card_of_run):
    assert line in card_of_run(kind=kind)


def test_a_vae_in_memory(exported):
    card = (exported[1] / "MODEL_CARD.md").read_text("utf-8")
    assert headings(card) == HEADINGS
    assert section(card, "Training data").startswith("\nNot recorded: ")
    assert "`keras-vae train --dataset NAME --out runs/NAME`" in card
    assert section(card, "Training procedure") == "\nNot recorded.\n"
    assert section(card, "Evaluation").startswith("\nNot recorded.")
    assert_lines(
        section(card, "Reproducibility"),
        "- Seed of the training: not recorded",
        "- Exported from: a VAE in memory, or a file outside of a run "
        "directory",
    )
    assert "(not recorded)." in section(card, "Intended use and limitations")


def test_spoilt_files_are_told(card_of_run):
    card = card_of_run(config=["not", "a", "configuration"])
    assert section(card, "Training data").startswith("\nNot recorded: ")
    assert_lines(
        section(card, "Evaluation"),
        "- `config.json is no JSON object and was left out.`",
    )


def test_evaluations_of_another_model(card_of_run):
    card = card_of_run(model_sha256="0" * 64)
    found = section(card, "Evaluation")
    assert "another `model.keras` than the one exported, 1 of them." in found
    assert "nats" not in found


HOSTILE = (
    "`|` | a\n\n# Title\n\n| a | b |\n|---|---|\n<script>x</script> "
    "[a](https://example.org) ![](x) *a* </td> {{ name }} {% if %} \ud800"
)


def hostile(value):
    """Puts hostile text in the place of every string."""
    if isinstance(value, dict):
        return {f"{key}": hostile(one) for key, one in value.items()}
    return HOSTILE if isinstance(value, str) else value


def outline(card):
    """What Markdown makes of a card, but for its text."""
    tokens = MarkdownIt("commonmark").enable("table").parse(card)
    inline = [child for token in tokens for child in token.children or ()]
    links = [child.attrs["href"] for child in inline if "href" in child.attrs]
    kinds = [token.type for token in tokens]
    html = [one.type for one in (*tokens, *inline) if "html" in one.type]
    images = [one.type for one in inline if one.type == "image"]
    emphasised = [one.type for one in inline if one.type == "em_open"]
    return kinds, links, html, images, emphasised


def test_hostile_text_stays_text(card_of_run):
    benign = outline(card_of_run())
    config = {**hostile(CONFIG), "dataset": HOSTILE}
    row = hostile({**EVALUATION, HOSTILE: HOSTILE})
    row["versions"] = {HOSTILE: HOSTILE}
    card = card_of_run(config=config, **row)
    assert outline(card) == benign
    assert benign[2:] == ([], [], [])
    assert "<script>" in card


@pytest.mark.parametrize("value", [None, 3, "text", [], [{}], {}, True, 1e400])
def test_values_of_other_types(value, card_of_run):
    config = {name: value for name in CONFIG}
    row = {name: value for name in EVALUATION}
    assert headings(card_of_run(config=config, **row)) == HEADINGS


def test_rounded_products_and_smaller_files_are_told(card_of_run, manifest):
    manifest["parity"]["reference"]["exact"] = False
    form = {
        "file": "onnx/int8/decode.onnx",
        "size": 310,
        "size_of_float32": 1000,
        "max_difference": 0.0123,
        "limit": 0.05,
    }
    manifest["variants"] = {"int8": {"decode": form}}
    found = section(card_of_run(), "Parity figures")
    assert "weights in full float32" in found
    row = "| `onnx/int8/decode.onnx` | 31% | 1.2e-02 | 5.0e-02 |"
    assert_lines(found, row)


def test_an_export_without_examples(card_of_run, manifest):
    decode = manifest["signatures"]["decode"]
    decode["files"] = {"litert": "litert/decode.tflite"}
    manifest["signatures"] = {"decode": decode}
    card = card_of_run()
    assert section(card, "How to use") == (
        '\n"Files and signatures" names the files, and what each of them '
        "takes.\n"
    )
    assert "`litert/decode.tflite` |" in section(card, "Files and signatures")


def test_many_evaluations(card_of_run):
    card = card_of_run(seeds=range(13))
    seeds = re.findall("- Noise: seed ([0-9]+)", card)
    assert seeds == [str(seed) for seed in range(3, 13)]
    assert "`evaluations.jsonl` of the run holds 3 more." in card


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (likelihoods.Normal(scale="shared"), "Normal(scale='shared')"),
        (priors.StandardNormal(), "StandardNormal()"),
        (
            objectives.ELBO(objectives.schedules.Linear(9)),
            "ELBO(kl_weight=Linear(num_steps=9, start=0.0, end=1.0), "
            "num_samples=1, kl='analytic', free_bits=0.0)",
        ),
        (
            likelihoods.Bernoulli(allow_grey=True, name="other"),
            "Bernoulli(allow_grey=True)",
        ),
    ],
)
def test_parts_are_described_as_they_are_made(part, expected):
    assert model_card.described(part) == expected


# --- What was exported --------------------------------------------------------


def blocks(path, language):
    card = (path / "MODEL_CARD.md").read_text("utf-8")
    return re.findall(f"```{language}\n(.*?)```", card, re.DOTALL)


def test_the_manifest_holds_its_hash(exported, manifest):
    _, path = exported
    content = (path / "MODEL_CARD.md").read_bytes()
    assert manifest["files"]["MODEL_CARD.md"] == {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size": len(content),
    }
    assert keras_vae_export.check(path).problems == ()


def test_its_code_runs(exported, monkeypatch, capsys):
    monkeypatch.chdir(exported[1])
    x = []
    for block in blocks(exported[1], "python"):
        found = {}
        exec(block, found)
        x.append(np.asarray(found.get("x", found.get("outputs", {}).get("x"))))
    assert [one.shape for one in x] == [(4, 4, 3, 1)] * 2
    np.testing.assert_allclose(x[0], x[1], rtol=1e-5, atol=1e-5)
    assert "(4, 4, 3, 1)" in capsys.readouterr().out


def test_its_requests_are_answered(exported):
    import tensorflow as tf

    _, path = exported
    model = tf.saved_model.load(str(path))
    bodies = re.findall("-d '(.*?)'", "".join(blocks(path, "bash")))
    requests = [json.loads(body) for body in bodies]
    names = [request["signature_name"] for request in requests]
    assert names == ["generate_rows", "generate_png"]
    for request in requests:
        run = model.signatures[request["signature_name"]]
        specs = run.structured_input_signature[1]
        (row,) = request["instances"]
        assert set(row) == set(specs)
        outputs = run(
            **{
                name: tf.constant([row[name]], spec.dtype)
                for name, spec in specs.items()
            }
        )
        assert {int(one.shape[0]) for one in outputs.values()} == {1}


def test_a_missing_library(make_kind, tmp_path, monkeypatch):
    def find(name):
        return None if name == "jinja2" else object()

    monkeypatch.setattr("importlib.util.find_spec", find)
    message = r"A version directory needs `jinja2`.*keras-vae\[export\]"
    with pytest.raises(ImportError, match=message):
        keras_vae_export.export(make_kind(), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_a_run_directory(make_kind, tmp_path, monkeypatch):
    def run(request):
        return Report(0.0, {}, {}, {})

    monkeypatch.setattr(process, "run", run)
    folder = tmp_path / "runs" / "halves"
    folder.mkdir(parents=True)
    make_kind().save(folder / "model.keras")
    (folder / "config.json").write_text(json.dumps(CONFIG))
    cards = []
    for _ in range(2):
        path = keras_vae_export.export(folder, tmp_path / "models", "onnx")
        cards.append((path / "MODEL_CARD.md").read_text("utf-8"))
    assert "\n# `halves`, version 1\n" in cards[0]
    assert "- Data set: `digits`\n" in cards[0]
    assert cards[1].replace("version 2", "version 1") == cards[0]
