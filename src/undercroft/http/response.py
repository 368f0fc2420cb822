"""One HTTP response as the faces make it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field

Headers = list[tuple[bytes, bytes]]

RETRY_AFTER = (b"retry-after", b"1")  # With every 503: a full disk or a busy engine is worth another try, not at once.


@dataclass(slots=True)
class Response:
    """A status, headers and a body. The names of headers are in lower case.

    A body of bytes gets its Content-Length from the adapter, unless `headers` already has one (HEAD). A streamed body
    must bring its own Content-Length header and yield exactly that many bytes; an error in the middle of it cuts the
    connection, so a reader can never take a part for the whole.
    """

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes | AsyncIterator[bytes | bytearray] = b""
    close: bool = False  # Ask for the connection to be closed after this answer.
    error_code: str = ""  # What is wrong, in the protocol's word: for logs, since an answer to HEAD does not say it.
