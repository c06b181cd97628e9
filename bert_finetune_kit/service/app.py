"""The routes of the service. A response is JSON, but for the page and the metrics, and so is every error."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from ..errors import DataError, KitError
from ..inference.explanation import Stopped
from .hosts import LOCAL_HOSTS
from .json_responses import HEADERS, error_response, json_response
from .limits import Limits
from .metrics import Metrics
from .middleware import KnownHosts, Measured
from .model import ServedModel
from .page import render_page
from .requests import RequestError, characters, read_explain, read_predict
from .responses import explanation_fields
from .work_queue import WorkQueue

_LOG = logging.getLogger(__name__)
_LONGEST_PATH = 100  # in a message
Handler = Callable[[Request], Awaitable[Response]]


def build_app(model: ServedModel, limits: Limits, hosts: frozenset[str] | None = LOCAL_HOSTS) -> Starlette:
    """Return the service of a model as an ASGI application.

    Args:
        model: that answers.
        limits: on sizes and times.
        hosts: names by which requests may call this machine, or none for any.
    """
    metrics = Metrics()
    queue = WorkQueue(limits, metrics, characters)
    explained = model.explain

    def run_predict(items: list[Any], _: Callable[[], bool]) -> list[Any]:
        return model.predict(items)

    async def predict(request: Request) -> Response:
        inputs = read_predict(await read_body(request, limits), model.form, limits)
        submitted = queue.submit(run_predict, inputs.items)
        results = [model.to_fields(result) for result in await while_connected(request, submitted)]
        return json_response(results[0] if inputs.is_single else {"predictions": results})

    async def explain(request: Request) -> Response:
        body = await read_body(request, limits)
        if explained is None:
            raise RequestError(422, "Answers are not explained by words: POST /predict marks them in their context.")
        inputs, explain_one = read_explain(body, model.form, limits), explained

        def run_explain(items: list[Any], is_abandoned: Callable[[], bool]) -> list[Any]:
            return [explain_one(item, inputs.label, is_abandoned) for item in items]

        (result,) = await while_connected(request, queue.submit(run_explain, inputs.items, shares=False))
        return json_response(explanation_fields(result))

    async def health(_: Request) -> Response:
        seconds = queue.busy_seconds
        is_busy = seconds > limits.timeout
        content = {"status": "busy" if is_busy else "ok", "waiting": queue.waiting, "busy_seconds": round(seconds, 3)}
        return json_response(content, 503 if is_busy else 200)

    async def describe(_: Request) -> Response:
        return json_response(model_fields(model, limits))

    async def show_metrics(_: Request) -> Response:
        return Response(metrics.render(queue.waiting), media_type="text/plain; version=0.0.4", headers=HEADERS)

    html, policy = render_page(model, limits)

    async def page(_: Request) -> Response:
        return Response(html, media_type="text/html", headers=HEADERS | {"content-security-policy": policy})

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        worker = asyncio.create_task(queue.work())
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError):
            await worker

    handlers: list[tuple[str, Handler, str]] = [
        ("/", page, "GET"), ("/model", describe, "GET"), ("/health", health, "GET"), ("/metrics", show_metrics, "GET"),
        ("/predict", predict, "POST"), ("/explain", explain, "POST"),
    ]  # fmt: skip
    routes = [Route(path, answered(handler), methods=[method]) for path, handler, method in handlers]
    usage = ", ".join(f"{method} {path}" for path, _, method in handlers)

    async def refuse(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path[:_LONGEST_PATH]
        hints = {404: f"There is nothing at {path}", 405: f"{path} does not take {request.method}"}
        return error_response(error.status_code, f"{hints.get(error.status_code, error.detail)}; use {usage}.")

    app = Starlette(routes=routes, lifespan=lifespan, exception_handlers={HTTPException: refuse})
    app.state.queue = queue
    app.router.redirect_slashes = False
    app.add_middleware(KnownHosts, hosts=hosts)
    app.add_middleware(Measured, metrics=metrics, paths=frozenset(path for path, _, _ in handlers))
    return app


async def read_body(request: Request, limits: Limits) -> bytes:
    """Return the body of a request.

    Raises:
        RequestError: it is no JSON (415), too large (413), or does not arrive in time (408).
    """
    kind = request.headers.get("content-type", "none").partition(";")[0].strip().lower()
    if kind != "application/json":  # which other pages in the browser of a user cannot send
        raise RequestError(
            415, f"The content type is {kind}; send JSON with the header Content-Type: application/json."
        )
    body = bytearray()
    try:
        async with asyncio.timeout(limits.timeout):
            async for part in request.stream():
                body += part
                if len(body) > limits.max_body_size:
                    raise RequestError(413, f"The request has more than {limits.max_body_size:,} bytes; send less.")
    except TimeoutError as error:
        raise RequestError(
            408, f"The request did not arrive within {limits.timeout:g} seconds; send it again."
        ) from error
    return bytes(body)


async def while_connected(request: Request, work: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    """Return what work returns; it is cancelled when the client closes the connection.

    Args:
        request: whose body has been read.
        work: for its response.

    Raises:
        ClientDisconnect: nobody waits for the response any more.
    """

    async def until_closed() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    working = asyncio.create_task(work)
    tasks = working, asyncio.create_task(until_closed())
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        for task in tasks:
            task.cancel()


def answered(handler: Handler) -> Handler:
    """Return a handler whose errors are responses; what went wrong here stays in the log of the service."""

    async def handle(request: Request) -> Response:
        try:
            return await handler(request)
        except RequestError as error:
            return error_response(error.status, str(error))
        except DataError as error:
            return error_response(422, str(error))
        except (ClientDisconnect, Stopped):  # nobody reads the response
            return error_response(408, "The request was given up.")
        except KitError as error:
            _LOG.error("%s: %s", request.url.path, error)
            return error_response(500, f"The model cannot do this: {error}")
        except Exception:
            _LOG.exception("%s failed", request.url.path)
            return error_response(500, "This request failed; the log of the service says why.")

    return handle


def model_fields(model: ServedModel, limits: Limits) -> dict[str, Any]:
    """Return what a program must know of a model to use it."""
    return {
        "name": model.name,
        "kind": model.kind,
        "fields": model.form.fields,
        "example": model.form.example,
        "labels": model.labels,
        "explains": model.explain is not None,
        "calibrated": model.is_calibrated,
        "scores": model.known.scores,
        "limits": {name: getattr(limits, name) for name in limits.__dataclass_fields__},
    }
