"""The ports that a server listens on unless it is told otherwise."""

REST_PORT = 8501  # TensorFlow Serving's
GRPC_PORT = 8500
