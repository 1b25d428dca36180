import pytest

from keras_vae_export.errors import cause_of

pytestmark = pytest.mark.once


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("It is full", "It is full."),
        ("Is it\n  full?", "Is it full?"),
        ("", "ValueError."),
        ("{{node a\nb}} No space [Op:Save]", "No space [Op:Save]."),
        ("a\x1b[2Jb", "a\\x1b[2Jb."),
        ("a" * 300 + "b" * 300, "a" * 200 + " ... " + "b" * 200 + "."),
    ],
)
def test_the_cause_in_one_line(message, cause):
    assert cause_of(ValueError(message)) == cause
