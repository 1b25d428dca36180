"""What lets pages of other origins ask, in browsers (CORS)."""

from keras_vae_serving.rest.hints import Headers


def cors_headers(is_enabled: bool, has_keys: bool = False) -> Headers:
    """Returns the headers of every answer.

    Args:
        is_enabled: Whether pages of other origins may ask.
        has_keys: Whether a request needs a key: a page may send it then.
    """
    if not is_enabled:
        return []
    sent = b"Content-Type"
    if has_keys:
        sent += b", Authorization, X-API-Key"
    return [
        (b"access-control-allow-origin", b"*"),
        (b"access-control-allow-methods", b"POST, GET"),
        (b"access-control-allow-headers", sent),
    ]
