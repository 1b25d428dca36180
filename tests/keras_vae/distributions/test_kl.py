"""Where closed forms of the KL are looked up."""

import numpy as np
import pytest

from keras_vae.distributions import (
    Bernoulli,
    Distribution,
    Normal,
    kl_divergence,
    register_kl,
)
from keras_vae.distributions.kl import closed_form_kl


class Narrow(Normal):
    pass


class Narrower(Narrow):
    pass


def test_a_missing_closed_form_is_an_error():
    q, p = Normal(np.zeros(2), 1.0), Bernoulli(np.zeros(2))
    with pytest.raises(NotImplementedError, match=r"\(Normal, Bernoulli\)"):
        kl_divergence(q, p)
    with pytest.raises(NotImplementedError, match='ELBO\\(kl="monte_carlo"\\)'):
        kl_divergence(q, p)


def test_a_second_closed_form_is_an_error():
    with pytest.raises(ValueError, match="Received: \\(Normal, Normal\\)"):
        register_kl(Normal, Normal)(lambda q, p: None)


def test_subclasses_inherit_the_closed_form():
    q, p = Narrower(np.zeros(2), 1.0), Narrow(np.ones(2), 1.0)
    assert float(kl_divergence(q, p)) == pytest.approx(1.0)


def test_the_nearest_class_wins():
    class Mine(Normal):
        pass

    @register_kl(Mine, Normal)
    def mine_to_normal(q, p):
        return "mine"

    q, p = Mine(np.zeros(2), 1.0), Normal(np.zeros(2), 1.0)
    assert kl_divergence(q, p) == "mine"
    assert closed_form_kl(p, q) is closed_form_kl(p, p)
    assert closed_form_kl(Distribution(), p) is None
