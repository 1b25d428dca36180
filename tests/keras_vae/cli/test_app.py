import re

import pytest

from keras_vae import cli, likelihoods, posteriors, priors
from keras_vae.cli import app, export, generate
from keras_vae_export import ParityError

COMMANDS = ["train", "evaluate", "export", "generate", "quickstart"]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_names_every_option(call, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    called = call(command, "--help")
    assert called.code == 0
    assert "Example" in called.out or command == "quickstart"
    module = getattr(__import__("keras_vae.cli.app").cli.app, command)
    fields = set(module.Arguments.__dataclass_fields__) - {"run", "imports"}
    for field in fields:
        assert f"--{field.replace('_', '-')}" in called.out


def test_help_tells_the_defaults(call, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    text = " ".join(call("train", "--help").out.split())
    assert "[default: 0.001]" in text
    assert "[default: bernoulli]" in text
    for part in (likelihoods, posteriors, priors):
        assert set(part.registry.classes) <= set(re.findall(r"\w+", text))


def test_the_commands_are_listed(call):
    text = call("--help").out
    assert [name for name in COMMANDS if f" {name} " in text] == COMMANDS
    assert "serve" not in text and "explore" not in text


# What is bad, and what the line about it holds.
BAD_CALLS = [
    ([], "Missing command"),
    (["trian"], "trian"),
    (["train", "--latent-dim=0"], "--latent-dim"),
    (["train", "--latent-dim=-3"], "--latent-dim"),
    (["train", "--latent-dim=two"], "--latent-dim"),
    (["train", "--epochs=0"], "--epochs"),
    (["train", "--epochs=many"], "--epochs"),
    (["train", "--batch-size=0"], "--batch-size"),
    (["train", "--seed=-1"], "--seed"),
    (["train", "--nonsense"], "--nonsense"),
    (["train", "--network=resnet"], "--network"),
    (["train", "--binarize=sometimes"], "--binarize"),
    (["train", "--mixed-precision=float8"], "--mixed-precision"),
    (["train", "--kl-weight=-1"], "--kl-weight"),
    (["train", "--kl-weight=nan"], "weight"),
    (["train", "--learning-rate=0"], "--learning-rate 0.0"),
    (["train", "--learning-rate=nan"], "--learning-rate nan"),
    (["train", "--posterior=cauchy"], "--posterior='cauchy'"),
    (["train", "--prior=cauchy"], "--prior='cauchy'"),
    (["train", "--likelihood=cauchy"], "--likelihood='cauchy'"),
    (["train", "--activation=reluu"], "--activation reluu"),
    (["train", "--hidden-dims=8,zero"], "--hidden-dims '8,zero'"),
    (["train", "--hidden-dims=8,0"], "--hidden-dims '8,0'"),
    (["train", "--filters=8"], "Pass `--network conv`"),
    (["train", "--filters=", "--network=conv"], "at least one"),
    (["train", "--likelihood-scale=1"], "Leave out `--likelihood-scale`"),
    (["train", "--allow-grey", "--likelihood=normal"], "`--allow-grey`"),
    (
        ["train", "--likelihood=normal", "--likelihood-scale=wide"],
        "scale='wide'",
    ),
    (["train", "--binarize=none"], "--binarize dynamic"),
    (["train", "--split=dev"], "split='dev'"),
    (["train", "--dataset=missing.npz"], "missing.npz"),
    (["train", "--dataset="], "`name` must be"),
    (["evaluate", "missing"], "no config.json|no model.keras"),
    (["export", "missing", "--out=models"], "'missing'"),
    (["generate", "missing", "--out=a.png"], "no model.keras"),
    (["generate", "missing"], "--out"),
    (["generate", "missing", "--out=images"], "--out=''"),
    (["generate", "missing", "--out=a.jpeg"], "--out='.jpeg'"),
    (["generate", "missing", "--out=a.png", "--num-samples=0"], "num-samples"),
    (["quickstart", "--epochs=0"], "--epochs"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_CALLS)
def test_bad_input(
    call, arguments, message, train_arguments, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    if arguments[:1] == ["train"]:
        arguments = [*train_arguments, *arguments[1:]]
    called = call(*arguments)
    assert_one_line(called, message)
    assert list(tmp_path.iterdir()) == []


def assert_one_line(called, message):
    assert called.code == 2
    assert called.out == ""
    assert called.err.count("\n") == 1
    assert called.err.startswith("Error: ")
    wanted = message.split("|")
    assert any(one in called.err for one in wanted), called.err


@pytest.mark.slow
def test_unknown_dataset(call, tmp_path):
    out = tmp_path / "run"
    called = call("train", "--dataset=mnits", f"--out={out}")
    assert_one_line(called, "Did you mean 'mnist'")
    assert not out.exists()


def test_an_existing_run_is_not_touched(call, train_arguments, tmp_path):
    (tmp_path / "run").mkdir()
    called = call(*train_arguments)
    assert_one_line(called, "Choose another, or delete it")
    assert list((tmp_path / "run").iterdir()) == []


def test_debug_shows_the_traceback(call, tmp_path):
    with pytest.raises(FileNotFoundError, match="no model.keras"):
        call("generate", tmp_path, "--out=a.png", "--debug")


@pytest.mark.parametrize("error", [TypeError("a bug"), KeyError("a bug")])
def test_a_bug_is_raised(call, error, trained, tmp_path, monkeypatch):
    def broken(*arguments):
        raise error

    monkeypatch.setattr(generate.RunDirectory, "load_model", broken)
    with pytest.raises(type(error), match="a bug"):
        call("generate", trained, f"--out={tmp_path / 'a.npy'}")


def test_an_export_that_differs_fails(call, trained, tmp_path, monkeypatch):
    def differs(*arguments, **options):
        raise ParityError("It differs.")

    monkeypatch.setattr(export.keras_vae_export, "export", differs)
    monkeypatch.setattr(app, "is_for_the_user", lambda error: True)
    called = call("export", trained, f"--out={tmp_path}")
    assert (called.code, called.err) == (1, "Error: It differs.\n")


def test_ctrl_c_outside_of_training(call, trained, tmp_path, monkeypatch):
    def interrupted(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(generate.RunDirectory, "load_model", interrupted)
    called = call("generate", trained, f"--out={tmp_path / 'a.npy'}")
    assert (called.code, called.err) == (130, "Interrupted.\n")


def test_a_missing_package_names_the_extra(monkeypatch):
    import importlib

    real = importlib.import_module

    def missing(name, *arguments):
        if name == "typer":
            raise ImportError("No module named 'typer'")
        return real(name, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(importlib, "import_module", missing)
        with pytest.raises(ImportError, match=r'"keras-vae\[cli\]"'):
            importlib.reload(cli)
    importlib.reload(cli)
