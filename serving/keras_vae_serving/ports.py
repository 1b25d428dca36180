"""The ports that a server listens on unless it is told otherwise.

And the environment variable in which both sides look for a key.
"""

REST_PORT = 8501  # TensorFlow Serving's
GRPC_PORT = 8500
KEY_VARIABLE = "KERAS_VAE_API_KEY"
