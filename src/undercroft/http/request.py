"""One HTTP request as the faces see it: nothing is decoded before it is asked for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Container, MutableMapping
from typing import Any, Self, cast
from urllib.parse import unquote_to_bytes

from undercroft import limits
from undercroft.http.errors import BodyBroken, BodyStalled, BodyTooLarge, MalformedURL

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

# As a number, since looking for a bytes object in another makes and drops an exception each time.
_PERCENT, _PLUS = b"%+"


def percent_decode(raw: bytes, *, plus_is_space: bool = False) -> str:
    """Decode percent-encoded UTF-8 exactly once. Raises `MalformedURL` where the result is not UTF-8."""
    if plus_is_space:
        raw = raw.replace(b"+", b" ")
    try:
        return (unquote_to_bytes(raw) if _PERCENT in raw else raw).decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedURL("The URL is not percent-encoded UTF-8.") from error


def _joined(headers: list[tuple[bytes, bytes]]) -> dict[bytes, bytes]:
    joined: dict[bytes, bytes] = {}
    for name, value in headers:
        joined[name] = joined[name] + b"," + value if name in joined else value
    return joined


class Request:
    """A request: its line and headers at once, its body as it arrives.

    `raw_path` and `raw_query` are the bytes as sent. Header names are lower-case bytes; values are as sent. `header_map` has
    all headers by name; repeated ones are joined with a comma (RFC 9110, 5.3).
    `face` and `operation` are what the metrics count the request under: words of the program's own, never the client's.
    `principal` is who proved to send it, `document` what its body says, and `counted` what its answer's status counts under,
    where a face has told them. `named_account` is the account whose key it named without proving to hold it.
    `when_finished` is called with the status, the bytes of the body and the seconds that all took, once the answer has left.
    """

    __slots__ = (
        "_receive", "body_bytes", "body_ended", "client", "counted", "document", "face", "header_map", "headers", "method",
        "named_account", "operation", "principal", "raw_path", "raw_query", "scheme", "when_finished",
    )  # fmt: skip

    def __init__(
        self,
        method: str,
        raw_path: bytes,
        raw_query: bytes,
        scheme: str,
        headers: list[tuple[bytes, bytes]],
        client: tuple[str, int] | None,
        receive: Receive,
    ) -> None:
        self.method = method
        self.raw_path = raw_path
        self.raw_query = raw_query
        self.scheme = scheme
        self.headers = headers
        self.client = client[0] if client else ""
        self.body_ended = False
        self.body_bytes = 0  # Read so far.
        self.face = ""
        self.operation = ""
        self.principal: Any = None
        self.named_account = ""
        self.document: object = None
        self.counted: Any = None
        self.when_finished: Callable[[int, int, float], None] | None = None
        self._receive = receive
        self.header_map: dict[bytes, bytes] = dict(headers)  # Every request is looked at by it, a dozen times.
        if len(self.header_map) != len(headers):
            self.header_map = _joined(headers)

    @classmethod
    def of_scope(cls, scope: MutableMapping[str, Any], receive: Receive) -> Self:
        """The request of an ASGI scope."""
        return cls(
            scope["method"], scope["raw_path"], scope["query_string"], scope["scheme"], scope["headers"], scope["client"], receive
        )  # fmt: skip

    def header(self, name: str) -> str | None:
        """The header's value decoded as Latin-1, stripped, or None. `name` is lower-case."""
        value = self.header_map.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1").strip()

    @property
    def host(self) -> str:
        """The Host header as sent, with its port, or an empty string."""
        return self.header("host") or ""

    @property
    def content_length(self) -> int | None:
        """The declared body length in bytes; None when the body is chunked, absent or the header is no number."""
        value = self.header_map.get(b"content-length", b"").strip()
        return int(value) if value.isdigit() else None

    @property
    def has_body(self) -> bool:
        """Whether the request announces a body that is not empty."""
        return b"transfer-encoding" in self.header_map or bool(self.content_length)

    def query_pairs(self, *, plus_is_space: bool = False, leaving_out: Container[bytes] = ()) -> list[tuple[str, str]]:
        """The query's names and values in order, each decoded exactly once; a name without `=` has an empty value.

        Names that are written just as in `leaving_out` do not appear. Raises `MalformedURL`.
        """
        pairs = []
        for item in self.raw_query.split(b"&"):
            name, _, value = item.partition(b"=")
            if not item or name in leaving_out:
                continue
            if item.isascii() and _PERCENT not in item and _PLUS not in item:
                pairs.append((name.decode("ascii"), value.decode("ascii")))
            else:
                decoded = percent_decode(value, plus_is_space=plus_is_space)
                pairs.append((percent_decode(name, plus_is_space=plus_is_space), decoded))
        return pairs

    async def stream(self, *, max_duration_s: float | None = None) -> AsyncIterator[bytes]:
        """The body's bytes as they arrive.

        Raises `BodyStalled` when nothing arrives for too long or the whole takes longer than `max_duration_s`
        (`UPLOAD_MAX_DURATION_S`), and `BodyBroken` when the client goes away in the middle.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + (limits.UPLOAD_MAX_DURATION_S if max_duration_s is None else max_duration_s)
        while not self.body_ended:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise BodyBroken("The connection ended in the middle of the request body.")
            if loop.time() > deadline:
                raise BodyStalled("The request body took too long.")
            self.body_ended = not message.get("more_body", False)
            chunk = cast(bytes, message.get("body", b""))
            if chunk:
                self.body_bytes += len(chunk)
                yield chunk

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body, within `DOCUMENT_MAX_DURATION_S`.

        Raises `BodyTooLarge` as soon as it exceeds `limit_bytes`, and what `stream` raises.
        """
        if (self.content_length or 0) > limit_bytes:
            raise BodyTooLarge(limit_bytes)
        chunks = []
        size = 0
        async for chunk in self.stream(max_duration_s=limits.DOCUMENT_MAX_DURATION_S):
            size += len(chunk)
            if size > limit_bytes:
                raise BodyTooLarge(limit_bytes)
            chunks.append(chunk)
        return b"".join(chunks)
