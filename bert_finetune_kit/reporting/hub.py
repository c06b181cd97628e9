"""A finished run on the Hub: after everything is on the disk, and never in its way."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError

from ..errors import HubError
from .card_check import check_card_file
from .model_card import name_in_card

# What a run's folder holds beside the model and its reports; training_args.bin is a pickle, which nobody should load,
# and peft's card of an adapter names the folder that the model came from.
_NOT_PUSHED = (
    "training_args.bin", "checkpoint-*/*", ".saving/*", "second-phase/*", "vocabulary-*/*",
    "adapter/README.md",
)  # fmt: skip
_ATTEMPTS = 5
_FIRST_WAIT = 2.0  # seconds, twice as long after each failure
# Answers that stay the same however often one asks.
_FINAL = (400, 401, 403, 404, 409)


def open_repository(name: str, token: str | None, private: bool = True, attempts: int = 1) -> str:
    """Make a repository on the Hub, or find it, and return its whole name.

    Args:
        name: of the repository, with or without its owner.
        token: none means the one that `hf auth login` has stored.
        private: whether a new one is private.
        attempts: how often to ask where the Hub does not answer.

    Raises:
        HubError: the Hub refuses, or does not answer (`HubError.final` tells which).
    """
    api = _api(token)
    return str(_ask(lambda: api.create_repo(name, private=private, exist_ok=True), token, attempts).repo_id)


def push_folder(folder: str | Path, name: str, token: str | None, message: str, private: bool = True) -> str:
    """Upload a run's folder without its checkpoints, and return the address of the repository.

    The metadata of its model card are checked before the Hub is asked for anything, and from then on the examples in
    the card load the model by the name of the repository.

    What fails for the moment is tried again, five times in all; files that are there already are not sent again.

    Args:
        folder: of the run.
        name: of the repository, with or without its owner.
        token: none means the one that `hf auth login` has stored.
        message: of the commit.
        private: whether a new repository is private.

    Raises:
        HubError: it was refused, or failed each time; or the Hub would refuse the card.
    """
    check_card_file(folder)
    api, whole = _api(token), open_repository(name, token, private, _ATTEMPTS)
    name_in_card(folder, whole)
    told = _ask(
        lambda: api.upload_folder(
            repo_id=whole, folder_path=folder, ignore_patterns=list(_NOT_PUSHED), commit_message=message
        ),
        token,
        _ATTEMPTS,
    )
    return str(told.repo_url)


def command_to_push(folder: str | Path, name: str) -> str:
    """Return the one command that pushes a run's folder later."""
    excluded = " ".join(f'"{pattern}"' for pattern in _NOT_PUSHED)
    return f"hf upload {name} {folder} . --private --exclude {excluded}"


def _api(token: str | None) -> HfApi:
    return HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=token)


def _ask(ask: Callable[[], Any], token: str | None, attempts: int) -> Any:
    for number in range(attempts):
        try:
            return ask()
        except Exception as error:  # of several libraries below: what counts is whether asking again can help
            told = _error(error, token)
            if told.final or number == attempts - 1:
                raise told from None
            time.sleep(_FIRST_WAIT * 2**number)
    raise AssertionError("not reached")


def _error(error: Exception, token: str | None) -> HubError:
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    said = said if token is None else said.replace(token, "***")
    kind = type(error).__name__ if status is None else f"status {status}"
    return HubError(f"{said} ({kind})", status in _FINAL or isinstance(error, ValueError))
