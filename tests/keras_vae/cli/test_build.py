import dataclasses
import pathlib

import pytest

from keras_vae import likelihoods, posteriors, priors
from keras_vae.cli import build
from keras_vae.cli.train_arguments import TrainArguments

DEFAULTS = TrainArguments(dataset="digits", out=pathlib.Path("runs/digits"))


def with_options(**options):
    return dataclasses.replace(DEFAULTS, **options)


def test_defaults():
    vae = build.build_vae(DEFAULTS, (8, 8, 1))
    assert vae.latent_dim == 16
    assert [v.shape for v in vae.encoder.trainable_variables] == [
        (64, 400),
        (400,),
    ]
    assert isinstance(vae.posterior, posteriors.DiagonalNormal)
    assert isinstance(vae.prior, priors.StandardNormal)
    assert isinstance(vae.likelihood, likelihoods.Bernoulli)
    assert vae.objective.kl_weight.value == 1.0
    assert float(vae.optimizer.learning_rate.numpy()) == pytest.approx(1e-3)


def test_the_decoder_mirrors_the_encoder():
    options = with_options(hidden_dims="12, 6", latent_dim=3)
    vae = build.build_vae(options, (4, 4, 3))
    widths = [v.shape[-1] for v in vae.decoder.trainable_variables]
    assert widths == [6, 6, 12, 12]
    options = with_options(network="conv", filters="4,8", hidden_dims="5")
    vae = build.build_vae(options, (8, 8, 1))
    assert vae.decoder.output_shape == (None, 8, 8, 4)
    assert vae.encoder.output_shape == (None, 5)


def test_no_hidden_layers():
    vae = build.build_vae(with_options(hidden_dims=""), (4, 4, 1))
    assert vae.encoder.trainable_variables == []


@pytest.mark.parametrize(
    ("text", "scale"), [("0.5", 0.5), ("predicted", "predicted")]
)
def test_likelihood_scale(text, scale):
    options = with_options(likelihood="normal", likelihood_scale=text)
    assert build.build_likelihood(options).scale == scale


def test_a_part_that_needs_more_than_its_name(monkeypatch):
    class Needy(likelihoods.Bernoulli):
        def __init__(self, num_levels, **kwargs):
            super().__init__(**kwargs)

    monkeypatch.setitem(likelihoods.registry.classes, "needy", Needy)
    with pytest.raises(ValueError, match="needy, which needs num_levels"):
        build.check(with_options(likelihood="needy"))


def test_a_part_that_is_registered_later_is_known(monkeypatch):
    class Later(likelihoods.Bernoulli):
        pass

    classes = likelihoods.registry.classes
    monkeypatch.setitem(classes, "later", Later)
    made = build.build_likelihood(with_options(likelihood="later"))
    assert isinstance(made, Later)
