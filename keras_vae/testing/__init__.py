"""Checks of a VAE, for the tests of this package and of its users."""

from keras_vae.testing.building import check_build_and_shapes
from keras_vae.testing.config import check_config_round_trip
from keras_vae.testing.elbo import check_elbo_identity
from keras_vae.testing.exporting import check_export_parity
from keras_vae.testing.generation import check_seeded_generation
from keras_vae.testing.run import run_vae_test
from keras_vae.testing.saving import check_save_and_load
from keras_vae.testing.training import check_fit_improves

__all__ = [
    "check_build_and_shapes",
    "check_config_round_trip",
    "check_elbo_identity",
    "check_export_parity",
    "check_fit_improves",
    "check_save_and_load",
    "check_seeded_generation",
    "run_vae_test",
]
