import builtins

import pytest

from keras_vae.cli.errors import is_for_the_user, one_line
from keras_vae.models import VAE
from keras_vae.networks import mlp_encoder
from keras_vae.validation import optional_import
from keras_vae_export import export


def raised_by(function):
    with pytest.raises(Exception) as caught:
        function()
    return caught.value


TOLD = [
    lambda: mlp_encoder((0,)),
    lambda: mlp_encoder("784"),
    lambda: VAE("encoder", "decoder"),
    lambda: optional_import("no_such_module", "cli", "This"),
    lambda: export("no/such/run", "models"),
    lambda: open("no/such/file"),
]
BUGS = [
    lambda: int("one"),
    lambda: "one" + 1,
    lambda: VAE(nonsense=1),
    lambda: builtins.__import__("no_such_module"),
    lambda: {}["key"],
]


@pytest.mark.parametrize("function", TOLD)
def test_our_own_errors_are_for_the_user(function):
    assert is_for_the_user(raised_by(function))


@pytest.mark.parametrize("function", BUGS)
def test_others_are_bugs(function):
    assert not is_for_the_user(raised_by(function))


def test_a_type_error_in_our_code_is_a_bug():
    # Raised inside `one_line`, but by a call, not by a `raise`.
    assert not is_for_the_user(raised_by(lambda: one_line(None)))


def test_a_broken_pipe_is_not_told():
    assert not is_for_the_user(BrokenPipeError())


def test_an_error_that_was_never_raised():
    assert not is_for_the_user(ValueError("no traceback"))


def test_one_line():
    assert one_line("two\n  lines\n") == "two lines"
