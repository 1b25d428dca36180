"""The benchmark of training: its turns, its ratios, its tables and figures."""

import importlib.util
import json
import pathlib
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]
FOLDER = ROOT / "examples" / "benchmarks"
FIGURES = ROOT / "examples" / "figures"

pytestmark = pytest.mark.once

# What a contender's process does, without a contender: it takes as many
# hundredths of a second as its argument says, and notes down each turn.
FAKE = """
import json, pathlib, sys
name, hundredths, notes = sys.argv[1:]
if name == "absent":
    sys.exit("ModuleNotFoundError: No module named 'absent'")
print(json.dumps({"parameters": 7}), flush=True)
for line in sys.stdin:
    with open(notes, "a") as file:
        file.write(name + line)
    seconds = int(hundredths) / 100
    found = {"seconds": seconds, "result": 98.76, "peak_gib": 0.5}
    print(json.dumps(found), flush=True)
"""


@pytest.fixture
def benchmark(tmp_path, monkeypatch):
    # The example finds the files beside it, as when it is run.
    monkeypatch.syspath_prepend(FOLDER)
    path = FOLDER / "training.py"
    spec = importlib.util.spec_from_file_location("training_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "FIGURES", tmp_path / "figures")
    yield module
    for name in list(sys.modules):
        if name.startswith(("training_", "contenders")):
            sys.modules.pop(name)


@pytest.fixture
def rounds(benchmark):
    return sys.modules["training_rounds"]


@pytest.fixture
def parts(benchmark):
    return sys.modules["training_parts"]


def fake(rounds, notes, name, hundredths):
    """Returns a function that starts a contender of that speed."""
    command = [sys.executable, "-S", "-c", FAKE, name, hundredths, notes]
    return lambda: rounds.Process(command)


# --- Architectures ------------------------------------------------------------


def test_what_the_architectures_cost(benchmark):
    cases = sys.modules["contenders.cases"].CASES
    assert cases["mlp"].num_parameters == 652_824
    # Forward 651,200 products; backward as many to the weights, and all but
    # the first layer's 313,600 to the inputs.
    assert cases["mlp"].flops == 2 * (3 * 651_200 - 313_600)
    assert cases["conv"].num_parameters == 133_909
    assert cases["conv"].flops == 2 * (3 * 6_460_224 - 56_448)
    assert [case.epoch_images % 128 for case in cases.values()] == [0, 0]


def test_a_turn_is_several_epochs_of_the_same_images(parts):
    case = parts.CASES["mlp"]
    assert case.epochs_of(case.images) == (468 * 128, 10)
    assert case.epochs_of(3 * 468 * 128) == (468 * 128, 3)
    assert case.epochs_of(256) == (256, 1)


def test_another_architecture_is_not_compared(parts):
    case = parts.CASES["mlp"]
    parts.check_size(("keras", "jax"), 652_824, case)
    with pytest.raises(RuntimeError, match="Received: 652,825 of keras/jax"):
        parts.check_size(("keras", "jax"), 652_825, case)


# --- Turns --------------------------------------------------------------------


def test_contenders_take_turns_and_the_first_round_does_not_count(
    rounds, tmp_path
):
    notes = tmp_path / "notes"
    keys = [("a", "jax"), ("b", "jax"), ("c", "torch")]
    processes = {key: fake(rounds, notes, key[0], 1)() for key in keys}
    told = []
    answers = rounds.take_turns(
        processes, dict.fromkeys(keys, 256), 2, told.append
    )
    for process in processes.values():
        process.close()
        assert process.process.returncode == 0
    turns = notes.read_text().split()
    assert set(turns) == {"a256", "b256", "c256"}
    assert "".join(turn[0] for turn in turns) == "abcbcacab"
    assert told[3] == "round 1 of 2: b/jax"
    assert [len(found) for found in answers.values()] == [2, 2, 2]
    assert answers["c", "torch"][0]["result"] == 98.76


def test_a_contender_that_cannot_start_is_left_out(rounds, tmp_path, capsys):
    stack, told = rounds.contextlib.ExitStack(), []
    starts = {
        ("absent", "torch"): fake(rounds, tmp_path, "absent", 1),
        ("here", "torch"): fake(rounds, tmp_path, "here", 1),
    }
    with stack:
        started = rounds.start_all(stack, starts, told.append)
    assert [*started] == [("here", "torch")]
    assert started["here", "torch"].ready["parameters"] == 7
    said = capsys.readouterr().out
    assert "absent/torch is left out: ModuleNotFoundError: No module" in said
    assert told == ["starting absent/torch", "starting here/torch"]


def test_a_contender_that_stops_says_why(rounds, tmp_path):
    process = fake(rounds, tmp_path / "no" / "such" / "folder", "a", 1)()
    with pytest.raises(rounds.Failed, match="No such file or directory"):
        process.ask(1)


def options_of(benchmark, *arguments):
    return benchmark.parse(["--rounds", "3", *arguments])


def test_peers_are_measured_where_their_python_is_named(benchmark, parts):
    def keys(*arguments):
        options = options_of(benchmark, "--backends", "jax", *arguments)
        setting = parts.Setting(options, "images.npy", print)
        return list(setting.keys(["ours", "pythae", "numpyro"]))

    assert keys() == [("ours", "jax")]
    peers = [("pythae", "torch"), ("numpyro", "jax")]
    assert keys("--peers-python", "python") == [("ours", "jax"), *peers]


def test_a_table_from_processes(benchmark, parts, rounds, tmp_path):
    speeds = {"ours": 1, "keras": 2, "hand": 1, "pythae": 3, "matmul": 1}

    class Setting(parts.Setting):
        def start(self, key, case):
            if key[0] == "matmul":
                return lambda: Product()
            process = fake(rounds, tmp_path / "n", key[0], speeds[key[0]])()
            process.ready["parameters"] = parts.CASES[case].num_parameters
            return lambda: process

    class Product:
        ready = {"parameters": None, "seconds": 0.0}
        close = staticmethod(lambda: None)

        def ask(self, number):
            return {"result": {"small": 82, "large": 164}}

    options = options_of(benchmark, "--backends", "jax", "torch")
    options.contenders = ["ours", "keras", "hand", "pythae"]
    options.peers_python = "python"
    setting = Setting(options, "images.npy", lambda text: None)
    found = parts.training(parts.CASES["mlp"], setting)
    assert found["allowed"] == 50_000
    assert found["allowed_by_own"] == {"jax": 25_000, "torch": 25_000}
    assert found["ratios"] == {
        "keras": {"jax": 2.0, "torch": 2.0},
        "hand": {"jax": 1.0, "torch": 1.0},
        "pythae": {"jax": 3.0, "torch": 3.0},
    }
    alone = parts.PARTS["alone"](setting)
    assert alone["ratios"] == {"hand": {"jax": 1.0, "torch": 1.0}}
    text = benchmark.TABLES["mlp"](found)
    row = "| plain Keras `fit` | jax | 29,952,000 | 59904 % | 119808 % | "
    assert row in text
    assert "| plain Keras `fit` |  | 2.00 | 2.00 |" in text


# --- The machine --------------------------------------------------------------


def test_a_gpu_is_watched(benchmark, tmp_path, monkeypatch):
    gpu = sys.modules["training_gpu"]
    program = tmp_path / "nvidia-smi"
    program.write_text(
        "#!/bin/sh\n"
        'case "$*" in *name*) echo A GPU; exit;; esac\n'
        "printf '10\\n60\\n80\\n'; exec sleep 60\n"
    )
    program.chmod(0o755)
    monkeypatch.setattr(gpu, "COMMAND", str(program))
    assert gpu.names() == ["A GPU"]
    with gpu.beside_each_turn()() as found:
        assert found == {}
    assert found["percent"] in (60, 70)  # The first look came before.


def test_without_a_gpu_nothing_is_watched(benchmark, monkeypatch):
    gpu = sys.modules["training_gpu"]
    monkeypatch.setattr(gpu, "COMMAND", "no-such-program")
    assert gpu.names() == []
    with gpu.beside_each_turn()() as found:
        assert found is None


def test_imports_take_turns(benchmark, monkeypatch):
    startup = sys.modules["training_startup"]
    seconds = iter([9.0, 9.0, 9.5, 2.0, 2.0, 2.1, 2.4, 2.2, 2.3])

    def imported(backend, names):
        return {name: next(seconds) for name in names}

    monkeypatch.setattr(startup, "imported", imported)
    found = startup.measure(["jax"], 2, lambda text: None)
    assert found == {"jax": {"keras": 2200, "keras_vae": 2200, "added": 100}}


def test_the_time_of_an_import_is_taken_in_its_process(benchmark):
    startup = sys.modules["training_startup"]
    found = startup.imported("jax", ["json", "wave"])
    assert [*found] == ["json", "wave"]
    assert 0.0 < found["json"] < found["wave"] < 5.0


# --- Figures ------------------------------------------------------------------


def test_parts_are_measured_again_alone(benchmark, tmp_path):
    benchmark.keep("startup", {"jax": {"keras": 1}}, {"date": "old"})
    benchmark.keep("mlp", {"rows": [1, 2]}, {"date": "old"})
    benchmark.keep("startup", {"torch": {"keras": 2}}, {"date": "new"})
    benchmark.keep("mlp", {"rows": [3]}, {"date": "new"})
    text = (tmp_path / "figures" / "training.json").read_text()
    assert json.loads(text) == {
        "mlp": {"date": "new", "figures": {"rows": [3]}},
        "startup": {
            "date": "new",
            "figures": {"jax": {"keras": 1}, "torch": {"keras": 2}},
        },
    }


def test_the_tables_of_iwae_and_of_log_p(benchmark):
    one = {"milliseconds": 4.0, "peak_gib": 0.8, "ratio": 3.61}
    lines = benchmark.TABLES["iwae"]({"jax": {"5": one}}).split("\n")
    assert lines[2] == "| jax | 5 | 4.0 | 3.61 | 4.0 | 0.80 |"
    found = {
        "jax": {"seconds": 0.05, "nats": -101.5, "ratio": 4.0},
        "pythae": {"seconds": 0.2, "nats": -101.52, "ratio": 1.0},
    }
    lines = benchmark.TABLES["marginal"](found).split("\n")
    assert lines[2] == "| jax | 0.050 | -101.50 | 4.00 |"
    assert lines[3].startswith("| pythae `get_nll` | 0.200 | ")


@pytest.mark.slow
def test_the_command_measures_a_part(benchmark, tmp_path, monkeypatch, capsys):
    data = sys.modules["training_data"]

    def write(path):
        data.write_generated(path, num_images=256)
        return "generated"

    monkeypatch.setattr(data, "write", write)
    arguments = ["--parts", "matmul", "--backends", "jax", "--rounds", "1"]
    monkeypatch.setattr(sys, "argv", ["training.py", *arguments])
    benchmark.main()
    assert "| (128 x 784) (784 x 400) |  | " in capsys.readouterr().out
    report = json.loads((tmp_path / "figures" / "training.json").read_text())
    assert report["matmul"]["data"] == "generated"
    assert report["matmul"]["figures"]["jax"]["large"] > 0


def test_the_figures_that_were_kept(benchmark, tmp_path):
    report = json.loads((FIGURES / "training.json").read_text())
    assert set(report) == set(benchmark.PARTS)
    for part, found in report.items():
        assert {"processor", "cores", "date", "data"} <= set(found)
        assert benchmark.TABLES[part](found["figures"]).startswith("| ")
    spec = importlib.util.spec_from_file_location(
        "training_figure", FOLDER / "training_figure.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    figure = module.draw(report)
    rows = [report[part]["figures"]["rows"] for part in ("mlp", "conv")]
    bars = [len(axis.patches) for axis in figure.axes]
    assert bars == [len(one) for one in rows]
