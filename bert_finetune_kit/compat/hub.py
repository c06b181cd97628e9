"""What a name means on the Hub, and why the Hub did not give it, whichever library asked.

transformers and datasets wrap the errors of huggingface_hub in their own, whose messages differ and often name another
cause: a file whose download was cut is a "local directory with the same name" there. The first errors are still in the
chain. All names are public; `httpx` is huggingface_hub's own export, since its major versions use two libraries.
"""

from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import HfApi, constants, is_offline_mode
from huggingface_hub.errors import (
    EntryNotFoundError,
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import httpx, validate_repo_id

_LOG_IN = "log in by `hf auth login`, or set HF_TOKEN"
_WITHOUT_NETWORK = "load it once on a machine with network and copy its HF_HOME, or give a local file or folder"
_WRONG_TOKEN = "Invalid credentials in Authorization header"


def hub_failure(error: BaseException) -> str | None:
    """Return why something could not be read from the Hub, and what to do; none where the Hub is not the cause.

    The text has no part of a request or a response, and so no token.

    Args:
        error: of any library, with the errors that it was raised from.
    """
    for link in _chain(error):
        if isinstance(link, HfHubHTTPError) and not isinstance(link, EntryNotFoundError):
            return _refusal(link)
        if isinstance(link, httpx.TransportError):
            return _broken_connection(link)
        if isinstance(link, OfflineModeIsEnabled) or (isinstance(link, LocalEntryNotFoundError) and is_offline_mode()):
            return f"HF_HUB_OFFLINE is set, and the cache does not have it. Unset HF_HUB_OFFLINE, {_WITHOUT_NETWORK}."
        if isinstance(link, FileMetadataError):
            return f"what answers at {constants.ENDPOINT} is not the Hub. Check HF_ENDPOINT, network and proxy."
    return None


def data_set_failure(hub_id: str, error: Exception) -> str | None:
    """Return why `datasets` could not load a data set of the Hub, and what to do; none where the Hub is not the cause.

    `datasets` cuts the chain of its errors, so the Hub is asked once more.

    Args:
        hub_id: of the data set.
        error: of `datasets`.
    """
    failure = hub_failure(error)
    if failure is None and isinstance(error, ConnectionError | FileNotFoundError):
        try:
            HfApi().auth_check(hub_id, repo_type="dataset")
        except Exception as answer:
            failure = hub_failure(answer)
    return failure


def is_repo_id(name: object) -> bool:
    """Return whether `name` can be the id of a repository on the Hub."""
    if not isinstance(name, str):
        return False
    try:
        validate_repo_id(name)
    except HFValidationError:
        return False
    return True


def local_folder_note(name: object) -> tuple[str, ...]:
    """Return a note where a name that can be a Hub id is that of a folder, which every library takes instead."""
    if not is_repo_id(name) or not Path(str(name)).is_dir():
        return ()
    return (f"{name} was read from the folder of that name in the working directory, not from the Hub",)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that it was raised from or while handling, the hidden ones too."""
    seen: set[int] = set()
    pending = [error]
    while pending:
        link = pending.pop(0)
        if link is not None and id(link) not in seen:
            seen.add(id(link))
            yield link
            pending += [link.__cause__, link.__context__]


def _refusal(error: HfHubHTTPError) -> str:
    status = error.response.status_code
    if isinstance(error, GatedRepoError):
        if status == 401:
            return f"it is gated, and no token was sent. Accept its terms on its page on the Hub, and {_LOG_IN}."
        return f"it is gated, and the token has no access. Accept its terms on its page on the Hub, or {_LOG_IN}."
    if error.response.headers.get("X-Error-Message") == _WRONG_TOKEN:
        return f"the Hub does not accept the token. To replace it, {_LOG_IN}."
    if isinstance(error, RepositoryNotFoundError) or status in (401, 404):
        return f"the Hub has nothing public of that name. Check the spelling; if it is private, {_LOG_IN}."
    if status == 403:
        return f"the Hub refuses access (status 403). Check the rights of the token; to replace it, {_LOG_IN}."
    return f"the Hub answered with status {status}. Try again later, or give a local file or folder."


def _broken_connection(error: Exception) -> str:
    if isinstance(error, httpx.LocalProtocolError):
        return (
            f"the request could not be sent: the token may have characters that no token has. To replace it, {_LOG_IN}."
        )
    if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.ProxyError | httpx.UnsupportedProtocol):
        return (
            f"{constants.ENDPOINT} cannot be reached, and the cache does not have it. Check network and proxy, "
            f"{_WITHOUT_NETWORK}."
        )
    return (
        "the connection broke off during the download. Run the same command again: files that were complete are kept, "
        "and others are not used."
    )
