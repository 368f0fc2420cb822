"""What an error must look like in each protocol, judged on the bytes that would leave the server; and requests made of bytes."""

from __future__ import annotations

import asyncio
import atexit
import functools
import json
import re
from collections.abc import Coroutine, MutableMapping
from typing import Any, TypeVar

from lxml import etree

from undercroft import limits
from undercroft.http.errors import HTTPInputError
from undercroft.http.request import Request
from undercroft.native.errors import NativeError, as_native, error_response
from undercroft.s3.answers import error_answer
from undercroft.s3.errors import CODES, S3Error, from_http_error, from_store_error
from undercroft.store.errors import StoreError

T = TypeVar("T")
Refusals = (S3Error, NativeError, StoreError, HTTPInputError)  # What the faces turn into answers; all else is a fault.
METHODS = (b"GET", b"PUT", b"POST", b"HEAD", b"DELETE", b"OPTIONS")
_NOT_IN_TARGET = re.compile(rb"[\x00-\x20\x7f#]")
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_NOT_IN_NAME = re.compile(rb"[^!#$%&'*+.^_`|~0-9A-Za-z-]")
_NOT_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")


def assert_s3_document(status: int, body: bytes) -> str:
    """The code of an error document, after a look at its form."""
    root = etree.fromstring(body)
    assert root.tag == "Error", body[:500]
    code = root.findtext("Code")
    assert code in CODES, body[:500]
    assert CODES[code][0] == status or code == "NotModified", (status, code)
    assert root.findtext("Message")
    return code


def assert_native_document(status: int, body: bytes) -> str:
    """The code of an error document, after a look at its form."""
    said = json.loads(body)
    assert sorted(said) == ["code", "message", "status"], said
    assert said["status"] == status
    assert isinstance(said["message"], str)
    assert re.fullmatch("[a-z0-9_]+", said["code"]), said
    return str(said["code"])


def s3_refusal(error: Exception) -> str:
    """The code that an S3 client gets. It must be the client's mistake, and the document readable."""
    if isinstance(error, StoreError):
        error = from_store_error(error)
    elif isinstance(error, HTTPInputError):
        error = from_http_error(error)
    assert isinstance(error, S3Error)
    assert 400 <= error.status < 500 or error.status == 501, error
    answer = error_answer(error, "GET", "/resource", "id", "host")
    assert isinstance(answer.body, bytes)
    return assert_s3_document(answer.status, answer.body)


def native_refusal(error: Exception, call: str = "b2_call") -> str:
    """The same for a client of the native API."""
    native = as_native(error, call)
    assert native is not None, error
    assert 400 <= native.status < 500, native
    answer = error_response(native)
    assert isinstance(answer.body, bytes)
    return assert_native_document(answer.status, answer.body)


def finished(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that never waits for anything."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    coroutine.close()
    raise AssertionError("The coroutine waits, so it cannot be driven without a loop.")


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    atexit.register(loop.close)
    return loop


def looped(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that needs an event loop; all of them share one, since making one takes longer than most."""
    return _loop().run_until_complete(coroutine)


class Wish:
    """A request written as text: `METHOD target`, lines of headers, an empty line, the body.

    Whatever the bytes, it becomes one that the HTTP parser could have let through: what it refuses is left out.
    """

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\n\n")
        line, *fields = head.split(b"\n")
        method, _, target = line.partition(b" ")
        self.method = (method if method in METHODS else METHODS[len(method) % len(METHODS)]).decode()
        target = _NOT_ASCII.sub(lambda match: b"%%%02X" % match[0][0], _NOT_IN_TARGET.sub(b"", target))
        self.target = (target if target.startswith(b"/") else b"/" + target)[: limits.URL_MAX_BYTES]
        self.headers: list[tuple[bytes, bytes]] = []
        for field in fields[:256]:
            name, _, value = field.partition(b":")
            name = _NOT_IN_NAME.sub(b"", name).lower()
            if name:
                self.headers.append((name, _NOT_IN_VALUE.sub(b"", value).strip(b" \t")))

    def request(self) -> Request:
        """A new one each time, its body not yet read."""
        path, _, query = self.target.partition(b"?")
        pieces = [self.body]

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.request", "body": pieces.pop(), "more_body": False}

        return Request.of_scope(
            {
                "method": self.method, "raw_path": path, "query_string": query, "scheme": "http", "headers": list(self.headers),
                "client": ("127.0.0.1", 5000),
            },
            receive,
        )  # fmt: skip


def wish(method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> bytes:
    """The text of a request, for a corpus."""
    lines = [f"{method} {target}", *(f"{name}: {value}" for name, value in (headers or {}).items())]
    return "\n".join(lines).encode() + b"\n\n" + body
