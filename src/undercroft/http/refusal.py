"""Answers to requests that no face gets to see, or that a face failed on, in the dialect the client speaks.

A request can be unusable before its target is even whole, so the dialect is guessed from the first bytes of the target:
the B2 Native API has its own prefixes, and everything else speaks S3.
"""

from __future__ import annotations

import http
import secrets
from dataclasses import dataclass

import msgspec

from undercroft import limits
from undercroft.http.response import Response

NATIVE_PREFIXES = (b"/b2api/", b"/file/")


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request is refused: the HTTP status, the code in each dialect, and a message that helps.

    `detail` is an extra element of the S3 document, as name and value.
    """

    status: int
    s3_code: str
    native_code: str
    message: str
    detail: tuple[str, str] | None = None
    retry_after_s: int | None = None


BAD_REQUEST = Refusal(400, "BadRequest", "bad_request", "An error occurred when parsing the HTTP request.")
BAD_TARGET = Refusal(400, "InvalidURI", "bad_request", "Couldn't parse the specified URI.")
BAD_HOST = Refusal(400, "InvalidRequest", "bad_request", "The request must have exactly one valid Host header.")
URL_TOO_LONG = Refusal(
    400, "InvalidURI", "bad_request", f"The request's URL is longer than {limits.URL_MAX_BYTES} bytes."
)
HEADERS_TOO_LARGE = Refusal(
    400,
    "RequestHeaderSectionTooLarge",
    "bad_request",
    f"The request's headers exceed {limits.HEADERS_MAX_BYTES} bytes or {limits.HEADER_COUNT_MAX} fields.",
    ("MaxSizeAllowed", str(limits.HEADERS_MAX_BYTES)),
)
HEADERS_TIMEOUT = Refusal(
    408, "RequestTimeout", "request_timeout", "The request's headers did not arrive within the time allowed."
)
CONNECT_REFUSED = Refusal(
    405, "MethodNotAllowed", "method_not_allowed", "The specified method is not allowed against this resource."
)
CODING_UNSUPPORTED = Refusal(
    501, "NotImplemented", "bad_request", "Chunked is the only Transfer-Encoding that this server understands."
)
VERSION_UNSUPPORTED = Refusal(505, "BadRequest", "bad_request", "This server speaks HTTP/1.1 and HTTP/1.0.")
TOO_MANY_CONNECTIONS = Refusal(
    503, "SlowDown", "service_unavailable", "Too many connections are open; please try again.", retry_after_s=1
)


def speaks_native(target: bytes) -> bool:
    """Whether the client of this request target expects errors of the B2 Native API."""
    return target.startswith(NATIVE_PREFIXES)


def new_request_id() -> str:
    """A random id for one answer, in the form that S3 uses."""
    return secrets.token_hex(8).upper()


def refuse(refusal: Refusal, target: bytes, request_id: str | None = None) -> Response:
    """The refusal as a response that closes the connection."""
    request_id = request_id or new_request_id()
    if speaks_native(target):
        body = msgspec.json.encode({"code": refusal.native_code, "message": refusal.message, "status": refusal.status})
        headers = [(b"content-type", b"application/json;charset=utf-8")]
    else:
        detail = "<{0}>{1}</{0}>".format(*refusal.detail) if refusal.detail else ""
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{refusal.s3_code}</Code><Message>{refusal.message}</Message>{detail}"
            f"<RequestId>{request_id}</RequestId></Error>"
        ).encode()
        headers = [(b"content-type", b"application/xml"), (b"x-amz-request-id", request_id.encode())]
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % refusal.retry_after_s))
    return Response(refusal.status, headers, body, close=True)


def internal_error(target: bytes, error_id: str) -> Response:
    """The last resort: a 500 for a request whose handler failed. `error_id` is the one in the log."""
    refusal = Refusal(
        500, "InternalError", "internal_error", f"We encountered an internal error. Please try again. (id {error_id})"
    )
    return refuse(refusal, target, error_id)


def to_bytes(response: Response, *, head_only: bool = False) -> bytes:
    """A closing response with a body of bytes, as it goes over the wire when there is no exchange to send it."""
    assert isinstance(response.body, bytes)
    phrase = http.HTTPStatus(response.status).phrase
    lines = [f"HTTP/1.1 {response.status} {phrase}\r\n".encode()]
    lines += [name + b": " + value + b"\r\n" for name, value in response.headers]
    lines.append(b"content-length: %d\r\nconnection: close\r\n\r\n" % len(response.body))
    if not head_only:
        lines.append(response.body)
    return b"".join(lines)
