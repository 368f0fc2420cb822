"""Signing in with a passkey: a challenge, and what an authenticator made of it. Only scripts come here."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response

from undercroft.console.settings.passkeys import wanted_site
from undercroft.console.sign_in.session import begin
from undercroft.console.sign_in.steps import browser_of, next_of
from undercroft.console.visit import Visit


class Brought(msgspec.Struct, forbid_unknown_fields=True):
    """What the script sends: what the browser signed, and where to go then."""

    credential: dict[str, Any]
    next: str = ""


async def options(visit: Visit) -> Response:
    """What the browser needs to ask its person."""
    asked = await visit.store.identity.sign_in.begin_with_passkey(wanted_site(visit), browser_of(visit))
    return visit.answer_json({"options": msgspec.json.decode(asked)})


async def take(visit: Visit) -> Response:
    """Sign in, with a new session whatever the browser had before."""
    brought, site = visit.json(Brought), wanted_site(visit)
    credential = msgspec.json.encode(brought.credential).decode()
    begin(visit, await visit.store.identity.sign_in.with_passkey(site, credential, browser_of(visit)))
    return visit.answer_json({"go": next_of(brought.next)})
