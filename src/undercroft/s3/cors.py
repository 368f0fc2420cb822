"""CORS of the S3 face: preflights, and the headers of answers to pages of other origins (reference, 2.24)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from undercroft.http.cors import NO_HEADERS, Grant, Policies, preflight_of
from undercroft.http.request import Request
from undercroft.http.response import Headers, Response
from undercroft.s3.errors import S3Error
from undercroft.s3.routing import Target
from undercroft.store.buckets.cors import OPERATION_OF_METHOD, S3_METHODS
from undercroft.store.errors import NoSuchBucket

if TYPE_CHECKING:
    from undercroft.store import Store

_NOT_ENABLED = "CORSResponse: CORS is not enabled for this bucket."
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed: no rule of the bucket fits its Origin, its method "
    "and its Access-Control-Request-Headers."
)


class CORS:
    """Evaluates the rules of buckets for requests that come from pages of other origins."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._policies = Policies()

    async def preflight(self, request: Request, target: Target) -> Response:
        """The answer to an OPTIONS request, which is never signed.

        Raises `BadRequest` where it is no preflight, `NoSuchBucket`, and `AccessForbidden` where no rule allows it.
        """
        asked = preflight_of(request)
        if b"origin" not in request.header_map:
            raise S3Error("BadRequest", "Insufficient information. Origin request header needed.")
        if asked is None or asked.method not in OPERATION_OF_METHOD:
            method = "null" if asked is None else asked.method
            raise S3Error("BadRequest", f"Invalid Access-Control-Request-Method: {method}")
        extras = {"Method": asked.method, "ResourceType": "BUCKET" if target[1] is None else "OBJECT"}
        if target[0] is None:
            raise S3Error("AccessForbidden", _NOT_ENABLED, extras=extras)
        bucket = await self._store.buckets.find(name=target[0])
        policy = self._policies.of(bucket.bucket_id, bucket.cors_rules)
        if not policy.covers(S3_METHODS):
            raise S3Error("AccessForbidden", _NOT_ENABLED, extras=extras)
        grant = policy.grant(asked.origin, OPERATION_OF_METHOD[asked.method], asked.headers)
        if grant is None:
            raise S3Error("AccessForbidden", _NOT_ALLOWED, extras=extras)
        return Response(200, [*grant.preflight_headers(_methods(grant)), *_credentials(grant)])

    async def headers(self, request: Request, target: Target) -> Headers:
        """What an answer, an error too, must say for the page that asks to see it; nothing where it is not to.

        A request that repeats the method of its preflight is judged by that one.
        """
        asked = request.header("access-control-request-method")
        operation = OPERATION_OF_METHOD.get(asked or request.method)
        if target[0] is None or operation is None:
            return NO_HEADERS
        try:
            bucket = await self._store.buckets.find(name=target[0])
        except NoSuchBucket:
            return NO_HEADERS
        policy = self._policies.of(bucket.bucket_id, bucket.cors_rules)
        grant = policy.grant(request.header_map[b"origin"], operation)
        if grant is None:
            return policy.refusal_headers()
        return [*grant.preflight_headers(_methods(grant)), *_credentials(grant)]


def _methods(grant: Grant) -> str:
    """The methods that the rule allows, of which a bucket may also have rules for the native protocol."""
    return ", ".join(S3_METHODS[operation] for operation in grant.rule.operations if operation in S3_METHODS)


def _credentials(grant: Grant) -> Headers:
    """The header that S3 adds for every origin that a rule names. Cookies mean nothing to this server."""
    return [] if grant.origin == b"*" else [(b"access-control-allow-credentials", b"true")]
