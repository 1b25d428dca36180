"""The REST front end as one ASGI application."""

from collections.abc import Awaitable, Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from keras_vae_serving.beside import Beside
from keras_vae_serving.budget import Budget
from keras_vae_serving.model_server import ModelServer
from keras_vae_serving.rest.api import RestApi
from keras_vae_serving.rest.asgi import Receive, Scope, Send, target_of
from keras_vae_serving.rest.body import BodyLimits
from keras_vae_serving.rest.hints import Headers
from keras_vae_serving.rest.openapi import openapi_document
from keras_vae_serving.rest.urls import is_dispatched

_NOT_FOUND = (
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n"
    "<H1>Not Found</H1>\n</BODY></HTML>\n"
)


class RestApp:
    """The API under `/v1/`, called at once, and Starlette for the rest.

    Args:
        api: What answers under `/v1/`.
        others: What answers elsewhere, and the events of a server's life.
    """

    def __init__(self, api: RestApi, others: Starlette) -> None:
        self._api = api
        self._others = others

    async def __call__(
        self, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Answers a request."""
        if scope["type"] == "http" and is_dispatched(target_of(scope)):
            await self._api(scope, receive, send)
        else:
            await self._others(scope, receive, send)


def make_app(
    model_server: ModelServer,
    *,
    rest_api_timeout_in_ms: int = 30_000,
    limits: BodyLimits | None = None,
    headers: Headers | None = None,
    budget: Budget | None = None,
    beside: Beside | None = None,
    is_alive: Callable[[], bool] = lambda: True,
    is_ready: Callable[[], bool] = lambda: True,
) -> RestApp:
    """Returns the REST front end.

    Args:
        model_server: What is served.
        rest_api_timeout_in_ms: How long a request may wait for its answer.
        limits: How large a request may be; `None` for the defaults.
        headers: Of every answer under `/v1/`.
        budget: Counts what the bodies take together; `None` for any size.
        beside: Where large ones are worked on; `None` to make it here.
        is_alive: What `/healthz` answers.
        is_ready: What `/readyz` answers.
    """
    api = RestApi(
        model_server,
        rest_api_timeout_in_ms,
        limits or BodyLimits(),
        headers or [],
        budget or Budget(),
        beside or Beside(),
    )
    others = Starlette(
        routes=[
            Route("/healthz", _probe(is_alive)),
            Route("/readyz", _probe(is_ready)),
            Route("/openapi.json", _show_document),
        ],
        exception_handlers={404: _show_not_found},
    )
    # A path with a slash too many is another path.
    others.router.redirect_slashes = False
    return RestApp(api, others)


def _probe(
    is_well: Callable[[], bool],
) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        if is_well():
            return JSONResponse({"status": "ok"})
        return JSONResponse({"status": "unavailable"}, 503)

    return answer


async def _show_document(request: Request) -> Response:
    return JSONResponse(openapi_document())


async def _show_not_found(request: Request, error: Exception) -> Response:
    # Starlette would add a character set that the real server does not send.
    headers = {"content-type": "text/html"}
    return Response(_NOT_FOUND, 404, headers)
