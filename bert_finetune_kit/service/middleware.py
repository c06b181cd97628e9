"""What happens to every request before its route is looked up."""

import time

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .hosts import host_name
from .json_responses import error_response
from .metrics import Metrics

_LONGEST_NAME = 100  # in a message


class Measured:
    """Middleware that counts requests and their times; of paths that do not exist all together."""

    def __init__(self, app: ASGIApp, metrics: Metrics, paths: frozenset[str]) -> None:
        self.app, self.metrics, self.paths = app, metrics, paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            route = scope["path"] if scope["path"] in self.paths else "other"
            self.metrics.observe_request(route, status, time.perf_counter() - start)


class KnownHosts:
    """Middleware that refuses requests that call this machine by another name.

    Args:
        app: that answers the others.
        hosts: allowed names, or none for any.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str] | None) -> None:
        self.app, self.hosts = app, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it (421)."""
        if scope["type"] != "http" or self.hosts is None:
            await self.app(scope, receive, send)
            return
        name = host_name(Headers(scope=scope).get("host", ""))
        if name in self.hosts:
            await self.app(scope, receive, send)
            return
        message = (
            f"The request is for {name[:_LONGEST_NAME] or 'no host'}, which is no name of this service; send the "
            f"header Host with one of {', '.join(sorted(self.hosts))}, or start it with --host NAME."
        )
        await error_response(421, message)(scope, receive, send)
