from keras_vae.cli import recording


class Run:
    def __init__(self):
        self.rows, self.saves = [], 0

    def append_metrics(self, row):
        self.rows.append(row)

    def save_model(self, model):
        self.saves += 1


def test_the_model_is_saved_at_most_every_ten_seconds(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(recording.time, "monotonic", lambda: now[0])
    run = Run()
    recorder = recording.Recorder(run)
    saves = []
    for epoch in range(5):
        recorder.on_epoch_begin(epoch)
        now[0] += 4.0
        recorder.on_epoch_end(epoch, {"val_kl": 1, "mse": 2, "kl": 3})
        saves.append(run.saves)
    assert saves == [1, 1, 1, 2, 2]
    assert recorder.epochs == 5
    assert list(run.rows[0]) == ["epoch", "kl", "mse", "val_kl", "seconds"]
    assert run.rows[4]["epoch"] == 5
    assert run.rows[4]["seconds"] == 4.0
