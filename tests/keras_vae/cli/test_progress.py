import pytest
import rich.console

from keras_vae.cli import progress
from keras_vae.cli.output import Output

LOGS = {"loss": 3.0, "elbo": -3.0, "kl": 1.25, "val_elbo": -3.5}


class Clock:
    def __init__(self):
        self.now = 0.0

    def monotonic(self):
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


@pytest.mark.parametrize(
    ("epochs", "seconds", "lines"),
    [(3, 0.1, [1, 2, 3]), (40, 0.1, [1, *range(2, 41, 2)]), (30, 20.0, None)],
)
def test_a_line_an_epoch_unless_they_are_many(
    capsys, clock, epochs, seconds, lines
):
    with progress.TrainingProgress(Output(), epochs) as shown:
        shown.set_params({"steps": 2})
        for epoch in range(epochs):
            shown.on_epoch_begin(epoch)
            shown.on_train_batch_end(0, LOGS)
            clock.now += seconds
            shown.on_epoch_end(epoch, LOGS)
    printed = capsys.readouterr().err.splitlines()
    numbers = [int(line.split()[1].partition("/")[0]) for line in printed]
    assert numbers == (lines or list(range(1, epochs + 1)))
    assert "elbo -3.00  kl 1.25  val_elbo -3.50" in printed[-1]


def test_a_terminal_sees_a_bar(clock, capsys):
    output = Output()
    output.progress = rich.console.Console(
        stderr=True, force_terminal=True, width=100
    )
    with progress.TrainingProgress(output, 2) as shown:
        shown.set_params({"steps": 4})
        shown.on_epoch_begin(1)
        clock.now += 1
        shown.on_train_batch_end(1, LOGS)
    err = capsys.readouterr().err
    assert "Epoch 2/2" in err
    assert "75%" in err
    assert "elbo -3.00  kl 1.25" in err


def test_track_yields_everything(capsys):
    items = progress.track(Output(), iter("abc"), "Evaluating", 3)
    assert list(items) == ["a", "b", "c"]
    assert capsys.readouterr().err == ""


def test_a_second_ctrl_c_stops_at_once(capsys):
    stop = progress.StopOnCtrlC(Output())
    stop.on_train_batch_end(0)
    stop._answer(2, None)
    assert "Press Ctrl-C again" in capsys.readouterr().err
    with pytest.raises(KeyboardInterrupt):
        stop._answer(2, None)
    with pytest.raises(KeyboardInterrupt):
        stop.on_epoch_end(0)
