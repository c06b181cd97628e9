"""The service on a port of this machine, until a signal ends it."""

import asyncio
import ipaddress
import math
import signal
import socket
from http import HTTPStatus
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import ConfigError
from .responses import to_json

_LARGEST_PORT = 65_535


class JsonErrors(H11Protocol):
    """HTTP whose answer to what is no request is JSON, like all others, and whose idle connections end."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for a request, but not for ever."""
        super().connection_made(transport)
        self.loop.call_later(self.timeout_keep_alive, self.close_without_request)

    def close_without_request(self) -> None:
        """Close a connection on which the head of no request has come."""
        if self.cycle is None and not self.transport.is_closing():
            if self.conn.trailing_data[0]:
                self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The head of the request is not complete within the timeout")
            else:
                self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no request, and close the connection."""
        self._refuse(HTTPStatus.BAD_REQUEST, msg)

    def _refuse(self, status: HTTPStatus, reason: str) -> None:
        body = to_json({"error": f"{reason.rstrip('.')}; send HTTP/1.1 with headers of at most 64 kB."})
        headers = [("content-type", "application/json"), ("content-length", str(len(body))), ("connection", "close")]
        for event in (
            h11.Response(status_code=status, headers=headers, reason=status.phrase.encode()),
            h11.Data(data=body),
            h11.EndOfMessage(),
        ):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that has the port, before anything is loaded.

    Args:
        host: name or address to listen at.
        port: 0 for any that is free.

    Raises:
        ConfigError: the port is in use or needs more rights, or the host is none of this machine.
    """
    if not 0 <= port <= _LARGEST_PORT:
        raise ConfigError(f"port={port} is no port: give one from 0 (any that is free) to {_LARGEST_PORT}.")
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConfigError(f"host={host!r} cannot be used: {error.strerror}.") from error
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(address)
        listener.listen()
    except OSError as error:
        listener.close()
        raise ConfigError(
            f"The service cannot listen at {host}, port {port}: {error.strerror}. Choose another one with port=, or "
            "port=0 for any that is free."
        ) from error
    return listener


def is_local(host: str) -> bool:
    """Whether only programs on this machine reach a host.

    >>> is_local("127.0.0.1"), is_local("localhost"), is_local("::1"), is_local("0.0.0.0"), is_local("example.org")
    (True, True, True, False, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def address(listener: socket.socket, host: str) -> str:
    """Return the address of the service, with the port that it has."""
    return f"http://{f'[{host}]' if ':' in host else host}:{listener.getsockname()[1]}"


def run(app: Any, listener: socket.socket, timeout: float) -> bool:
    """Answer requests until SIGINT or SIGTERM, and then finish those in hand. A second SIGINT ends it at once.

    Args:
        app: as `build_app` returns it.
        listener: as `bind` returns it.
        timeout: seconds after which no request is waited for any more.

    Returns:
        Whether the model still computes something that nobody waits for.
    """
    config = uvicorn.Config(
        app, http=JsonErrors, ws="none", lifespan="on", log_level="error", access_log=False, server_header=False,
        timeout_keep_alive=math.ceil(timeout), timeout_graceful_shutdown=math.ceil(timeout) + 1,
    )  # fmt: skip
    # uvicorn sends itself the signal again when it has finished; the end that was asked for is no failure.
    previous = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        uvicorn.Server(config).run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
    return bool(app.state.queue.call_began)
