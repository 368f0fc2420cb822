"""The native face with test hooks: it stands before the real one, and only where the operator asked for it.

A request meets its fault before anything else is looked at, token and body included, and then has changed nothing. Only
a download that is to be cut goes its usual way first.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

from undercroft.http.exchange import ClientGone
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.native.app import NativeFace
from undercroft.native.errors import DOWNLOAD_BY_NAME, BadRequest, NativeError, error_response
from undercroft.native.hooks.chance import Dice, Lifetimes
from undercroft.native.hooks.modes import (
    CUSTOM_TIMESTAMP,
    CUT_DOWNLOADS,
    EXPIRE_SOME,
    EXPIRED,
    HEADER,
    MODES,
    UPLOADS,
    Wish,
    parse_modes,
)
from undercroft.native.paths import API_PREFIX, FILE_PREFIX
from undercroft.settings import Settings
from undercroft.store import Store

_ACCOUNT_TOKEN = "_acct_"  # noqa: S105 - the mark by which an account token is told from a grant.
_CUSTOM_TIMESTAMP_HEADER = b"x-bz-custom-upload-timestamp"


class HookedFace(NativeFace):
    """The B2 Native API, which fails as it is told to by `X-Bz-Test-Mode` and by `--test-chance`."""

    def __init__(self, store: Store, settings: Settings) -> None:
        super().__init__(store, settings)
        self._by_chance = parse_modes(settings.test_chance)
        self._dice = Dice(settings.test_seed)
        self._lifetimes = Lifetimes(settings.test_seed)

    async def handle(self, request: Request) -> Response:
        """Answer a request as the real face does, or with the fault that it asked for or met by chance."""
        operation = _operation(request.raw_path)
        try:
            wish = self._wish(request, operation)
        except ValueError as error:
            return error_response(BadRequest(f"X-Bz-Test-Mode: {error}"), head=request.method == "HEAD")
        if wish is None:
            return await super().handle(request)
        fault = MODES[wish.name].faults[operation]
        if fault is None:
            return _cut(await super().handle(request), request.method)
        request.face = "native"
        request.operation = operation
        response = error_response(NativeError(*fault), head=request.method == "HEAD")
        # The table of errors gives every 503 a Retry-After; here the wish decides.
        response.headers = [header for header in response.headers if header[0] != b"retry-after"]
        if wish.retry_after_s is not None:
            response.headers.append((b"retry-after", b"%d" % wish.retry_after_s))
        return response

    def _wish(self, request: Request, operation: str) -> Wish | None:
        """The mode that falls on the request; what the header asks for comes before chance. Raises `ValueError`."""
        if request.method == "OPTIONS":
            return None
        text = request.header(HEADER)
        asked = (*parse_modes(text), *self._by_chance) if text else self._by_chance
        for wish in asked:
            if operation in MODES[wish.name].faults and self._falls(wish, request, operation):
                return wish
        return None

    def _falls(self, wish: Wish, request: Request, operation: str) -> bool:
        token = request.header("authorization") or ""
        if wish.name == EXPIRE_SOME:
            return _ACCOUNT_TOKEN in token and self._lifetimes.use(token, wish.one_in)
        if wish.name == EXPIRED and _ACCOUNT_TOKEN not in token and operation not in UPLOADS:
            return False  # Nobody's download, or one by a grant, whose holder could not authorize again.
        if wish.name == CUSTOM_TIMESTAMP and _CUSTOM_TIMESTAMP_HEADER not in request.header_map:
            return False
        if wish.name == CUT_DOWNLOADS and request.method == "HEAD":
            return False
        return self._dice.fall(wish.name, wish.one_in)


def _operation(raw_path: bytes) -> str:
    """What the path asks for, were it well-formed."""
    if raw_path.startswith(FILE_PREFIX):
        return DOWNLOAD_BY_NAME
    pieces = raw_path[len(API_PREFIX) :].split(b"/", 2)
    return pieces[1].decode("latin-1") if len(pieces) > 1 else ""


def _cut(response: Response, method: str) -> Response:
    """The same answer, whose connection ends in the middle of the body. Errors stay whole."""
    size = int(dict(response.headers).get(b"content-length", b"0"))
    if response.status not in {200, 206} or not size:
        return response
    body = _whole(response.body) if isinstance(response.body, bytes) else response.body
    return Response(response.status, response.headers, _half(body, size // 2))


async def _whole(body: bytes) -> AsyncIterator[bytes]:
    yield body


async def _half(body: AsyncIterator[bytes | bytearray], left: int) -> AsyncIterator[bytes | bytearray]:
    """So many bytes of the body, and then the end of the connection."""
    try:
        async for chunk in body:
            yield chunk[:left]
            left -= len(chunk)
            if left <= 0:
                yield b""  # Pieces are sent one behind: this one sends the one before it.
                raise ClientGone("A test hook cut the download.")  # As if the client had gone: no fault of the server.
    finally:
        close = getattr(body, "aclose", None)
        if close is not None:
            await close()
