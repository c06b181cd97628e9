"""A token is in no text, in whatever form."""

import base64
import json
from urllib.parse import quote

import pytest

from bert_finetune_kit import ConfigError
from bert_finetune_kit.runs.target import HubTarget
from bert_finetune_kit.runs.tokens import clean_token, holds_token, token_fault

TOKEN = "hf_Planted+0123/456789"


@pytest.fixture(autouse=True)
def _no_stored_token(monkeypatch, tmp_path):
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HF_TOKEN_PATH", str(tmp_path / "token"))


@pytest.mark.parametrize("given", [TOKEN, f"{TOKEN}\n", f" {TOKEN}\r\n"])
def test_white_space_around_a_token_is_removed(given):
    assert clean_token(given) == TOKEN
    assert token_fault(given) is None


@pytest.mark.parametrize("given", [None, "", " ", "\n"])
def test_an_empty_token_is_none(given):
    assert clean_token(given) is None
    assert token_fault(given) is None
    assert not holds_token("Illegal header value", given)


@pytest.mark.parametrize(("given", "place"), [("hf_é1", 4), ("hf\n_1", 3), ("hf_1\x00", 5), ("hf 1", 3)])
def test_a_token_that_no_header_can_have(given, place):
    assert f"a character at position {place} of {len(given)}" in token_fault(given)
    assert given not in token_fault(given)


def test_a_stored_token_is_checked_too(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_é1")
    assert "HF_TOKEN" in token_fault("")
    assert token_fault(TOKEN) is None


FORMS = {
    "plain": TOKEN,
    "bytes": repr(f"Bearer {TOKEN}\n".encode()),
    "repr": repr({"token": f"{TOKEN}\n"}),
    "JSON": json.dumps({"token": TOKEN}),
    "quoted": f"https://user:{quote(TOKEN, safe='')}@host/",
    "quoted path": quote(TOKEN),
    **{
        f"base64 after {name!r}": base64.b64encode(f"{name}:{TOKEN}".encode()).decode()
        for name in ("", "a", "ab", "user")
    },
    "base64 of the header": base64.urlsafe_b64encode(f"Bearer {TOKEN}\n".encode()).decode(),
    "hexadecimal": TOKEN.encode().hex(),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("given", [TOKEN, f"{TOKEN}\n"])
def test_a_token_is_found_in_every_form(form, given):
    assert holds_token(f"failed: {FORMS[form]} (error)", given)
    assert not holds_token(f"failed: {FORMS[form]} (error)", "hf_another_one_0123")


def test_a_stored_token_is_found(monkeypatch, tmp_path):
    assert not holds_token(TOKEN)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert holds_token(TOKEN)
    monkeypatch.setenv("HF_TOKEN", "hf_from_the_environment")
    assert holds_token("b'Bearer hf_from_the_environment'")


def test_an_escaped_token_is_found():
    given = "hf_\x01é\nend"
    for text in (repr(given), ascii(given), repr(given.encode()), json.dumps(given)):
        assert holds_token(text, given)


def test_a_target_does_not_show_its_token():
    assert TOKEN not in repr(HubTarget("me/toy", TOKEN))


@pytest.mark.parametrize("given", [True, b"hf_planted"])
def test_a_token_that_is_no_text_is_refused_without_being_shown(given):
    with pytest.raises(ConfigError, match=f"hub_token is a {type(given).__name__}: give") as refused:
        clean_token(given)
    assert "planted" not in str(refused.value)
