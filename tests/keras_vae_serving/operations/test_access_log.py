import json
import logging
import sys

import pytest

from keras_vae_serving.operations import access_log

pytestmark = pytest.mark.once


@pytest.fixture
def log():
    """The log as it is before anybody enables it, and after."""
    logger = access_log.LOGGER
    kept = (logger.handlers[:], logger.level, logger.propagate)
    logger.handlers[:] = []
    yield logger
    logger.handlers[:], logger.propagate = kept[0], kept[2]
    logger.setLevel(kept[1])


def test_a_request_is_a_line_of_json(log, capsys):
    access_log.enable()
    access_log.write(status=200, path='/a"\n', user_agent=None, ms=1.5)
    out = capsys.readouterr().out
    assert out.count("\n") == 1
    line = json.loads(out)
    assert line.pop("time").endswith("+00:00")
    assert line == {"status": 200, "path": '/a"\n', "ms": 1.5}


def test_enabling_it_twice_writes_no_line_twice(log, capsys):
    access_log.enable()
    access_log.enable()
    access_log.write(status=200)
    assert capsys.readouterr().out.count("\n") == 1
    assert not log.propagate


def test_nothing_is_written_unless_it_is_enabled(log, capsys):
    access_log.write(status=200)
    said = capsys.readouterr()
    assert said.out == said.err == ""


def test_what_clients_choose_is_cut(log, caplog):
    with caplog.at_level(logging.INFO, log.name):
        access_log.write(path="/" + "x" * 10_000, bytes=10**9)
    line = json.loads(caplog.records[0].message)
    assert line["path"] == "/" + "x" * 255
    assert line["bytes"] == 10**9


def test_a_reader_that_is_gone_is_no_error(log, monkeypatch):
    class Closed:
        def write(self, text):
            raise BrokenPipeError

        def flush(self):
            raise BrokenPipeError

    monkeypatch.setattr(sys, "stdout", Closed())
    monkeypatch.setattr(sys, "stderr", Closed())
    access_log.enable()
    access_log.write(status=200)
