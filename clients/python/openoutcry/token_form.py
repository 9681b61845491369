"""The form of a token. A text of another form is refused here, before it is sent to anybody.

Only the form is checked; the server decides whether the token is valid. No message repeats a token or a part of it.
"""

from __future__ import annotations

import re
from typing import Final

from openoutcry.wire.errors import ConfigurationError
from openoutcry.wire.request_limits import TOKEN_LETTERS_MAX

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/-]+=*")
"""RFC 6750, 2.1."""


def checked_token(token: object) -> str:
    """
    Return a token without white space around it, such as the line end of a file.

    Raises:
        ConfigurationError: If it is none; says the rule and never the token.
    """
    if not isinstance(token, str):
        raise ConfigurationError(f"token: must be text, or a function that returns it, not {type(token).__name__}")
    token = token.strip()
    if not token:
        raise ConfigurationError("token: is empty")
    if len(token) > TOKEN_LETTERS_MAX:
        raise ConfigurationError(f"token: has {len(token)} letters, {TOKEN_LETTERS_MAX} at most")
    if not _TOKEN.fullmatch(token):
        hint = "; leave out the word Bearer" if token[:6].lower() == "bearer" else ""
        raise ConfigurationError(f"token: must be letters, digits and - . _ ~ + / without spaces between{hint}")
    return token
