"""The REST front end: TensorFlow Serving's JSON over HTTP."""
