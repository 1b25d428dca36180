"""Checks that a directory would load: `keras-vae doctor --serving DIR`."""
