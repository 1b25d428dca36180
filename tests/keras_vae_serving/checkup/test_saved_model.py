import numpy as np
import pytest

from keras_vae_serving.checkup import saved_model

pytestmark = pytest.mark.once

# Stands in for the script that loads a model in TensorFlow.
ANSWERS = """
import json, pathlib, sys
import numpy as np
from keras_vae_serving.checkup import examples

directory, folder = sys.argv[1], pathlib.Path(sys.argv[2])
given = dict(np.load(folder / "inputs.npz"))
np.savez(folder / "outputs.npz", **{"decode/x": given["decode/z"] * 2})
answer = {"signatures": {"decode": ["z"]}, "errors": {"encode": directory}}
(folder / "answer.json").write_text(json.dumps(answer))
print("TensorFlow says things", file=sys.stderr)
"""


@pytest.fixture
def run(monkeypatch, tmp_path):
    def run(script):
        monkeypatch.setattr(saved_model, "SCRIPT", script)
        return saved_model.run(tmp_path, {"decode": {"z": np.ones(2)}})

    return run


def test_the_answer_of_the_process(run, tmp_path):
    answer = run(ANSWERS)
    assert answer.problem == ""
    assert answer.signatures == {"decode": ["z"]}
    assert answer.errors == {"encode": str(tmp_path)}
    assert answer.outputs["decode"]["x"].tolist() == [2, 2]


@pytest.mark.parametrize(
    ("script", "problem"),
    [
        ("raise OSError('no model')", "OSError: no model"),
        ("import os; os.abort()", "exit code -6"),
        ("import time; time.sleep(60)", "no answer within 1 seconds"),
    ],
)
def test_a_process_that_fails(run, monkeypatch, script, problem):
    monkeypatch.setattr(
        saved_model, "TIMEOUT_S", 1 if "sleep" in script else 60
    )
    answer = run(script)
    assert answer == saved_model.Answer({}, {}, {}, problem)
