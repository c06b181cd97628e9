"""Pushing a finished run to the Hub. Everything is on the disk before, so that a failure costs no result."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from ..errors import HubError
from ..reporting.card_check import check_card_file
from ..reporting.model_card import name_in_card
from ..reporting.predictions import PREDICTIONS_FILE
from ..reporting.push_command import NOT_PUSHED
from .tokens import clean_token, holds_token, token_fault

Response = TypeVar("Response")
_ATTEMPTS = 5
_FIRST_WAIT = 2.0  # seconds, doubled after each failure
_HEADER = re.compile(r"\b(bearer|basic)\s+\S{8}", re.IGNORECASE)
_FINAL = (400, 401, 403, 404, 409)  # statuses that a retry does not change


def open_repository(name: str, token: str | None, private: bool = True, attempts: int = 1) -> str:
    """Create a repository on the Hub, or find the existing one, and return its full name.

    Args:
        name: of the repository, with or without its owner.
        token: None for the one that `hf auth login` has stored.
        private: whether a new repository is private.
        attempts: how often to try where the Hub does not answer.

    Raises:
        HubError: the Hub refused, or did not answer (see `HubError.final`).
    """
    api = _api(token)
    return str(_retry(lambda: api.create_repo(name, private=private, exist_ok=True), token, attempts).repo_id)


def push_folder(
    folder: str | Path, name: str, token: str | None, message: str, private: bool = True, predictions: bool = False
) -> str:
    """Upload the folder of a run without its checkpoints, and return the address of the repository.

    The metadata of the model card are checked first, and its examples are changed to load the model by the name of the
    repository. Temporary failures are retried, five attempts in all; files that the repository has are not sent again.

    Args:
        folder: of the run.
        name: of the repository, with or without its owner.
        token: None for the one that `hf auth login` has stored.
        message: of the commit.
        private: whether a new repository is private.
        predictions: whether to upload those of single examples.

    Raises:
        HubError: the card has invalid metadata, or the Hub refused or did not answer in any attempt.
    """
    check_card_file(folder)
    excluded = [pattern for pattern in NOT_PUSHED if pattern != PREDICTIONS_FILE or not predictions]
    api, repo_id = _api(token), open_repository(name, token, private, _ATTEMPTS)
    name_in_card(folder, repo_id)
    commit = _retry(
        lambda: api.upload_folder(
            repo_id=repo_id, folder_path=folder, ignore_patterns=excluded, commit_message=message
        ),
        token,
        _ATTEMPTS,
    )
    return str(commit.repo_url)


def _api(token: str | None) -> HfApi:
    """Return the client; an empty token, as of an unset variable, means the stored one."""
    fault = token_fault(token)
    if fault is not None:
        raise HubError(f"{fault}.", final=True)
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=clean_token(token))


def _retry(request: Callable[[], Response], token: str | None, attempts: int) -> Response:
    for attempt in range(attempts):
        try:
            return request()
        except Exception as error:  # from several libraries; what matters is whether a retry can help
            failure = _hub_error(error, token)
            if failure.final or attempt == attempts - 1:
                raise failure from None
            time.sleep(_FIRST_WAIT * 2**attempt)
    raise AssertionError("not reached")


def _hub_error(error: Exception, token: str | None) -> HubError:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    text = str(error)
    if holds_token(text, token) or _HEADER.search(text):
        text = "the message of the error is not shown, since it holds a token"
    reason = (text.strip().splitlines() or [type(error).__name__])[0]
    kind = type(error).__name__ if status is None else f"status {status}"
    return HubError(f"{reason} ({kind})", status in _FINAL or isinstance(error, ValueError))
