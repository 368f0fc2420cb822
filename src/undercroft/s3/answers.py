"""Answers that are not an object's bytes: XML documents, bare statuses and errors."""

from __future__ import annotations

from undercroft.http.response import RETRY_AFTER, Headers, Response
from undercroft.http.xml_out import document
from undercroft.s3.errors import S3Error
from undercroft.s3.xml_out import error_document

_XML = (b"content-type", b"application/xml")


def xml_answer(root: str, content: str, headers: Headers | None = None) -> Response:
    """A document in the S3 namespace with status 200."""
    return xml_document_answer(document(root, content), headers)


def xml_document_answer(body: bytes, headers: Headers | None = None) -> Response:
    """A document that is written already, with status 200."""
    return Response(200, [_XML, *(headers or [])], body)


def bare_answer(status: int, headers: Headers | None = None) -> Response:
    """A status without a body."""
    return Response(status, [] if headers is None else headers)


def error_answer(error: S3Error, method: str, resource: str, request_id: str, host_id: str) -> Response:
    """The answer of an error: XML, except to HEAD and for what is not modified, which have no body."""
    headers = list(error.headers)
    if error.status == 503:
        headers.append(RETRY_AFTER)
    if method == "HEAD" or error.status == 304:
        return Response(error.status, headers, error_code=error.code)
    body = error_document(error, resource, request_id, host_id)
    return Response(error.status, [_XML, *headers], body, error_code=error.code)
