import pytest
from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RepositoryNotFoundError,
)
from huggingface_hub.utils import httpx

from bert_finetune_kit.compat.hub import hub_failure, is_repo_id, local_folder_note

TOKEN = "hf_planted_0123456789"


def refusal(kind, status, message="planted"):
    request = httpx.Request("GET", "https://huggingface.co/x", headers={"authorization": f"Bearer {TOKEN}"})
    response = httpx.Response(status, headers={"X-Error-Message": message}, request=request)
    return kind(f"Error {status} with {TOKEN}", response=response)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (refusal(RepositoryNotFoundError, 404), "has nothing public of that name. Check the spelling.*hf auth login"),
        (refusal(HfHubHTTPError, 401), "has nothing public of that name"),
        (refusal(HfHubHTTPError, 401, "Invalid credentials in Authorization header"), "does not accept the token"),
        (refusal(GatedRepoError, 401), "is gated, and no token was sent.*Accept its terms.*HF_TOKEN"),
        (refusal(GatedRepoError, 403), "is gated, and the token has no access.*Accept its terms"),
        (refusal(HfHubHTTPError, 403), "refuses access .status 403"),
        (refusal(HfHubHTTPError, 429), "answered with status 429. Try again later"),
        (refusal(HfHubHTTPError, 500), "answered with status 500. Try again later"),
        (OfflineModeIsEnabled("offline"), "HF_HUB_OFFLINE is set.*copy its HF_HOME, or give a local file"),
        (LocalEntryNotFoundError("not cached"), "HF_HUB_OFFLINE is set"),  # as it is in tests
        (httpx.ConnectError("refused"), "cannot be reached.*Check network and proxy"),
        (httpx.ConnectTimeout("slow"), "cannot be reached"),
        (httpx.RemoteProtocolError("peer closed"), "broke off during the download. Run the same command again"),
        (httpx.ReadTimeout("slow"), "broke off during the download"),
        (httpx.LocalProtocolError(f"Illegal header value b'Bearer {TOKEN}'"), "token may have characters"),
        (FileMetadataError("no commit"), "is not the Hub. Check HF_ENDPOINT, network and proxy"),
    ],
)
def test_each_failure_has_its_reason_and_what_to_do(error, message):
    """However deep it is in the chain, and where its cause is hidden, as datasets hides it."""
    try:
        try:
            raise error
        except Exception as caught:
            raise OSError(f"Can't load it {TOKEN}") from caught
    except OSError as caught:
        try:
            raise FileNotFoundError("Make sure you don't have a local directory of that name") from None
        except FileNotFoundError as wrapped:
            wrapped.__context__ = caught
            failure = hub_failure(wrapped)
    assert failure is not None
    with pytest.raises(ValueError, match=message):
        raise ValueError(failure)
    assert TOKEN not in failure


def test_what_the_hub_did_not_cause():
    assert hub_failure(ValueError("no JSON")) is None
    assert hub_failure(refusal(RemoteEntryNotFoundError, 404)) is None  # a file that the repository does not have


def test_the_address_of_the_hub_is_named(monkeypatch):
    monkeypatch.setattr(constants, "ENDPOINT", "https://mirror.example")
    assert "https://mirror.example" in hub_failure(httpx.ConnectError("refused"))


def test_a_folder_that_is_taken_for_a_name_on_the_hub_is_noted(tmp_path, monkeypatch):
    (tmp_path / "owner/name").mkdir(parents=True)
    (tmp_path / "file").write_text("x", "utf-8")
    monkeypatch.chdir(tmp_path)
    note = "owner/name was read from the folder of that name in the working directory, not from the Hub"
    assert local_folder_note("owner/name") == (note,)
    for other in ("owner/other", "./owner/name", str(tmp_path / "owner/name"), tmp_path / "owner/name", "file", None):
        assert local_folder_note(other) == ()
    assert is_repo_id("owner/name")
    assert not is_repo_id("a/b/c")
