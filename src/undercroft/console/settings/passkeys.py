"""Passkeys of an account: adding one, for the password, and removing one."""

from __future__ import annotations

import ipaddress
from typing import Any
from urllib.parse import urlsplit

import msgspec
from starlette.responses import Response

from undercroft.console.notices import NOTICES
from undercroft.console.problems import problem_of, said
from undercroft.console.visit import Visit
from undercroft.store.errors import (
    BadCredentials,
    BadLink,
    InvalidRequest,
    StoreError,
    TooManyAttempts,
    TooManyPasskeys,
    WrongPasskey,
)
from undercroft.store.identity.passkeys import Site

ADDED = "passkey-added"


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What the script sends to begin."""

    password: str


class Made(msgspec.Struct, forbid_unknown_fields=True):
    """What it sends once the browser has made a passkey."""

    name: str
    credential: dict[str, Any]


def site_of(visit: Visit) -> Site | None:
    """The page as passkeys know it; None where browsers have none, since it has no name or no secure connection."""
    parts = urlsplit(visit.own_origin)
    host = parts.hostname or ""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Site(host, visit.own_origin) if parts.scheme == "https" or host == "localhost" else None
    return None


async def new(visit: Visit) -> Response:
    """The form, which only a script can send."""
    return visit.render("settings/passkey.html", site=site_of(visit))


async def begin(visit: Visit) -> Response:
    """What the browser needs to make one, for the password."""
    asked, site = visit.json(Asked), wanted_site(visit)
    identity = visit.store.identity
    try:
        proof = await identity.sign_in.confirm_password(visit.account.account_id, asked.password)
        options = await identity.passkeys.begin_adding(proof, site)
    except (BadCredentials, TooManyAttempts, TooManyPasskeys) as error:
        return _refused(visit, "password", error)
    return visit.answer_json({"options": msgspec.json.decode(options)})


async def add(visit: Visit) -> Response:
    """Keep it."""
    made, site = visit.json(Made), wanted_site(visit)
    visit.audit(target=made.name)
    credential = msgspec.json.encode(made.credential).decode()
    try:
        await visit.store.identity.passkeys.add(visit.account, site, made.name, credential)
    except (InvalidRequest, WrongPasskey, BadLink, TooManyPasskeys) as error:
        return _refused(visit, "name", error)
    visit.store.identity.letters.passkeys_changed(visit.account.email, made.name, added=True)
    assert ADDED in NOTICES
    return visit.answer_json({"go": f"/settings/security?notice={ADDED}"})


async def remove(visit: Visit) -> Response:
    """Forget one."""
    removed = await visit.store.identity.passkeys.remove(visit.account.account_id, visit.path("passkey_id"))
    visit.audit(target=removed.name)
    visit.store.identity.letters.passkeys_changed(visit.account.email, removed.name, added=False)
    return visit.redirect("/settings/security", notice="passkey-removed")


def wanted_site(visit: Visit) -> Site:
    """The page as passkeys know it, for what a script sends. Raises `WrongPasskey` where browsers have none."""
    site = site_of(visit)
    if site is None:
        raise WrongPasskey
    return site


def _refused(visit: Visit, field: str, error: StoreError) -> Response:
    visit.refusal = str(error)
    status = problem_of(error).status if isinstance(error, TooManyAttempts) else 422
    return visit.answer_json({"field": field, "title": said(error)}, status=status)
