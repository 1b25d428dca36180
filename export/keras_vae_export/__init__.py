"""Exports a trained VAE, and proves each file when it is written."""

from keras_vae_export.errors import ExportError, ParityError
from keras_vae_export.exporter import export, export_model

__all__ = ["ExportError", "ParityError", "export", "export_model"]
