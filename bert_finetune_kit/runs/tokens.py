"""The token of the Hub: cleaned and checked before it is sent, and never part of a text that is shown or saved."""

import base64
import json
import os
from urllib.parse import quote, quote_plus

from huggingface_hub import get_token

from ..errors import ConfigError

_STORED_IN = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN")  # `get_token` returns them without the white space around them


def clean_token(token: str | None) -> str | None:
    r"""Return a token without the white space around it, as of the line of a file; an empty one is none.

    Raises:
        ConfigError: it is no text.

    >>> clean_token("hf_abc\n"), clean_token(" ")
    ('hf_abc', None)
    """
    if not isinstance(token, str | None):
        raise ConfigError(f"hub_token is a {type(token).__name__}: give the token as a text, or leave it out.")
    return (token or "").strip() or None


def token_fault(given: str | None) -> str | None:
    """Return why the token that requests would be sent with cannot be; the text does not show it.

    Args:
        given: the token of the settings; none or empty means the stored one.
    """
    token, name = clean_token(given), "hub_token"
    if token is None:
        token, name = get_token(), "the token of HF_TOKEN or `hf auth login`"
    place = next((place for place, character in enumerate(token or "", 1) if not "!" <= character <= "~"), None)
    if place is None or token is None:
        return None
    return (
        f"{name} has a character at position {place} of {len(token)} that cannot be sent to the Hub: copy the token "
        "again from huggingface.co/settings/tokens"
    )


def holds_token(text: str, given: str | None = None) -> bool:
    """Whether a text has a token in it, plain, escaped or encoded: the given one, or one that is stored.

    >>> holds_token("Illegal header value b'Bearer hf_abc\\\\n'", "hf_abc\\n"), holds_token("status 500", "hf_abc")
    (True, False)
    """
    candidates = [given, get_token(), *(os.environ.get(name) for name in _STORED_IN)]
    tokens = {token for candidate in candidates if candidate for token in (candidate, candidate.strip())}
    return any(form in text for token in tokens if token.strip() for form in _forms(token))


def _forms(token: str) -> set[str]:
    """Return a token as messages of errors and HTTP requests write it."""
    data = token.encode("utf-8", "surrogateescape")
    written = (token, repr(token)[1:-1], ascii(token)[1:-1], repr(data)[2:-1], json.dumps(token)[1:-1])
    # Each of the three places that it can have in base64, such as after the name of a user.
    shifted = [bytes(shift) + data for shift in range(3)]
    encoded = [encode(item) for encode in (base64.b64encode, base64.urlsafe_b64encode) for item in shifted]
    # The first and the last characters of base64 depend on what is beside the token.
    inner = [form.rstrip(b"=")[4:-4].decode() for form in encoded]
    return {
        *written,
        quote(data),
        quote(data, safe=""),
        quote_plus(data),
        data.hex(),
        *(form for form in inner if len(form) >= 8),
    }
