"""Noting who uses which key, once it is proven."""

from __future__ import annotations

from undercroft.http.origin import client_of
from undercroft.http.request import Request
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.identity.principals import Principal


def note_use(store: Store, settings: Settings, request: Request, principal: Principal) -> None:
    """Note that the principal's key is used by this request. A download authorization is no use of the key behind it."""
    if principal.key is not None:
        store.accounting.key_used(principal.key.key_id, client_of(request, settings), "native", request.operation)
