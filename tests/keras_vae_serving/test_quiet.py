import os

import pytest

from keras_vae_serving.quiet import native_import_messages

pytestmark = pytest.mark.once


def test_known_notices_are_dropped_and_others_kept(capfd):
    with native_import_messages():
        os.write(2, b"I0000 port.cc] oneDNN custom operations are on. You\n")
        os.write(2, b"E0000 something that matters\n")
    assert capfd.readouterr().err == "E0000 something that matters\n"


def test_everything_is_printed_when_the_import_fails(capfd):
    with pytest.raises(ImportError, match="no such"):
        with native_import_messages():
            os.write(2, b"libfoo.so: cannot open shared object file\n")
            raise ImportError("no such")
    assert "libfoo.so" in capfd.readouterr().err
