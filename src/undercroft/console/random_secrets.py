"""Secrets that a form proposes: nobody else knows them, and nobody has to think of one."""

from __future__ import annotations

import secrets
import string

from undercroft import limits

_LETTERS = string.ascii_letters + string.digits


def signing_secret() -> str:
    """A secret to sign what goes to a webhook with."""
    return "".join(secrets.choice(_LETTERS) for _ in range(limits.NOTIFICATION_SECRET_LENGTH))
