"""The `keras-vae` command and what serves exported VAEs, without Keras."""
