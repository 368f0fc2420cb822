"""What a handler of a JSON call gets beside its body, and the answer it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from undercroft import limits
from undercroft.http.origin import client_of, origin_of
from undercroft.http.request import Request
from undercroft.http.response import Headers, Response
from undercroft.native.api_versions import APIVersion
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.errors import OutOfRange, Unauthorized
from undercroft.store.identity.principals import Principal, Source

Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated JSON call."""

    store: Store
    settings: Settings
    request: Request
    version: APIVersion
    principal: Principal

    @property
    def managing(self) -> Principal:
        """The caller as whoever manages something, which the audit log has with where the call came from."""
        source = Source("native", client_of(self.request, self.settings), self.request.operation)
        return self.principal.asking_from(source)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the URLs to hand out, without a slash at the end."""
        return origin_of(self.request, self.settings)

    def check_account(self, account_id: str) -> None:
        """Refuse an `accountId` that is not the caller's own. Raises `Unauthorized`."""
        if account_id != self.principal.account_id:
            raise Unauthorized("The account is not the caller's.")

    async def check_account_to(self, action: str, target: str, account_id: str) -> None:
        """The same of a call that manages something: the audit log of the caller's account has what was refused."""
        async with self.store.identity.deeds.of(self.managing, action, target):
            self.check_account(account_id)


def json_response(answer: Answer | list[Answer]) -> Response:
    """The answer as the service prints it: two spaces a level, members sorted, nulls written out."""
    headers: Headers = [
        (b"content-type", b"application/json;charset=UTF-8"),
        (b"cache-control", b"max-age=0, no-cache, no-store"),
    ]
    return Response(200, headers, msgspec.json.format(msgspec.json.encode(answer, order="sorted"), indent=2))


def row_count(field: str, asked: int | None, *, default: int, maximum: int) -> int:
    """How many rows a list may return; 0 and absent mean the default. Raises `OutOfRange` in the service's words."""
    if not asked:
        return min(default, maximum)
    if not 0 < asked <= maximum:
        raise OutOfRange(f"{field} out of range: {asked}", field)
    return asked


LIST_DEFAULT = limits.NATIVE_LIST_DEFAULT
LIST_MAX = limits.NATIVE_LIST_MAX
