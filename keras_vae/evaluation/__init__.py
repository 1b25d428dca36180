"""What a trained VAE is worth: numbers for a report."""

from keras_vae.evaluation.active_units import ActiveUnits, active_units

__all__ = ["ActiveUnits", "active_units"]
