"""Servers for the tests of faults."""

import contextlib

import pytest

from tests.keras_vae_serving.directories import write_version
from tests.keras_vae_serving.faults.served import SLOW, Served


@pytest.fixture
def models(tmp_path):
    """A directory of one model, `digits`, with version 1."""
    write_version(tmp_path / "models" / "digits")
    return tmp_path / "models"


@pytest.fixture
def serve(tmp_path):
    """`serve(models, ...)` starts a server; the test's end ends it."""
    with contextlib.ExitStack() as stack:

        def start(*arguments, **options):
            folder = tmp_path / f"server-{len(list(tmp_path.iterdir()))}"
            folder.mkdir()
            return stack.enter_context(Served(folder, *arguments, **options))

        yield start


@pytest.fixture
def slow(serve, models):
    """`slow(...)` starts a server whose runs last as long as z says."""

    def start(*arguments, **options):
        return serve(models, *arguments, program=SLOW, **options)

    return start


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory):
    """`shared_server(...)` starts one that the tests of a file share."""
    folder = tmp_path_factory.mktemp("shared")
    write_version(folder / "models" / "digits")
    with contextlib.ExitStack() as stack:
        yield lambda *arguments: stack.enter_context(
            Served(folder, folder / "models", *arguments)
        )
