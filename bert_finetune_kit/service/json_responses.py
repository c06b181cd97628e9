"""Responses of JSON."""

from typing import Any

from starlette.responses import Response

from .responses import to_json

HEADERS = {"cache-control": "no-store", "x-content-type-options": "nosniff"}


def json_response(content: Any, status: int = 200) -> Response:
    """Return a response of plain data."""
    return Response(to_json(content), status, HEADERS, "application/json")


def error_response(status: int, message: str) -> Response:
    """Return a response that says in a sentence what was wrong, and what to do."""
    return json_response({"error": message}, status)
