"""What the operator decides about people: who may sign up, on which terms, and how they are written to."""

from __future__ import annotations

import msgspec

from undercroft import limits
from undercroft.outgoing.mail import Mailer
from undercroft.store.identity.products import DEFAULT_TERMS, Terms
from undercroft.store.identity.sign_up import Mode


class People(msgspec.Struct, frozen=True):
    """The decisions. `console_origin` is the console's URL as letters name it; sessions end after `session_idle_s`."""

    sign_up: Mode = "closed"
    terms: Terms = Terms.of(DEFAULT_TERMS)
    mailer: Mailer | None = None
    console_origin: str = "http://localhost"
    session_idle_s: int = limits.SESSION_IDLE_S


NOBODY_SIGNS_UP = People()
