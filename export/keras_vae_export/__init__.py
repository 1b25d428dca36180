"""Exports a trained VAE, proves each file when it is written, and later."""

from keras_vae_export.errors import ExportError, ParityError
from keras_vae_export.exporter import export, export_model
from keras_vae_export.verification import Verification, check

__all__ = [
    "ExportError",
    "ParityError",
    "Verification",
    "check",
    "export",
    "export_model",
]
