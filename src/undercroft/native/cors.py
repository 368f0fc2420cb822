"""CORS of the native face: downloads by name and by id, and upload URLs. Calls of the API do not speak it (13.6).

Account tokens do not belong into a web page, where everybody finds them. So a page of another origin gets to see nothing that
was asked for with one: it is refused where the preflight's URL has it, and where it comes in a header, which a preflight
does not show, the answer to the request is without the headers that would let the page see it.

Pages of the console upload and download whatever the rules of a bucket say, with the narrow tokens that the console gives them:
for its origin there is a rule that no bucket has. Rules give no rights, so neither does that one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from undercroft.http.cors import NO_HEADERS, Policies, Policy, Preflight
from undercroft.http.errors import HTTPInputError
from undercroft.http.origin import console_origin_of
from undercroft.http.request import Request
from undercroft.http.response import Headers, Response
from undercroft.http.upload_calls import UPLOAD_FILE, UPLOAD_PART
from undercroft.native.encoding import decode
from undercroft.native.errors import DOWNLOAD_BY_ID, DOWNLOAD_BY_NAME, NativeError
from undercroft.native.paths import FILE_PREFIX, split_call
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.errors import StoreError
from undercroft.store.identity.tokens import kind_of
from undercroft.store.ids import parse_file_id
from undercroft.store.model import Bucket

# The methods of the URLs that speak CORS. POST of JSON to b2_download_file_by_id is a call of the API.
METHODS: dict[str, tuple[str, ...]] = {
    DOWNLOAD_BY_NAME: ("GET", "HEAD"),
    DOWNLOAD_BY_ID: ("GET", "HEAD"),
    UPLOAD_FILE: ("POST",),
    UPLOAD_PART: ("POST",),
}


_OF_THE_CONSOLE = {
    "allowedOperations": list(METHODS),
    "allowedHeaders": ["authorization", "content-type", "range", "x-bz-*"],
    "exposeHeaders": ["x-bz-content-sha1", "x-bz-file-id", "content-length", "content-range", "retry-after"],
    "maxAgeSeconds": 7200,  # Chromium believes nothing longer.
}


class _Place(NamedTuple):
    """What a URL that speaks CORS is for: the operation, and the bucket's name (by name) or an id (all others)."""

    operation: str
    subject: str


class CORS:
    """Evaluates the rules of buckets for requests that come from pages of other origins."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._policies = Policies()

    def answers(self, request: Request) -> bool:
        """Whether the request is to a URL that speaks CORS."""
        return _place(request) is not None

    async def preflight(self, request: Request, asked: Preflight) -> Response:
        """The answer to a preflight of a URL that speaks CORS. Raises a 403 where no rule allows what it asks for."""
        place = _place(request)
        if place is not None and asked.method in METHODS[place.operation]:
            policy = await self._policy(request, place)
            grant = None if policy is None else policy.grant(asked.origin, place.operation, asked.headers)
            if grant is not None:
                return Response(200, grant.preflight_headers(", ".join(METHODS[place.operation])))
        raise NativeError(403, "access_denied", "The CORS rules of the bucket do not allow this request")

    async def headers(self, request: Request) -> Headers:
        """What an answer, an error too, must say for the page that asks to see it; nothing where it is not to."""
        place = _place(request)
        if place is None or request.method not in METHODS[place.operation]:
            return NO_HEADERS
        policy = await self._policy(request, place)
        if policy is None:
            return NO_HEADERS
        grant = policy.grant(request.header_map[b"origin"], place.operation)
        return policy.refusal_headers() if grant is None else grant.answer_headers()

    async def _policy(self, request: Request, place: _Place) -> Policy | None:
        """The rules for the bucket; none where what the request says is wrong, which it will be told itself."""
        try:
            query = dict(request.query_pairs(plus_is_space=True))
            if kind_of(request.header("authorization") or query.get("Authorization", "")) == "acct":
                return None
            console_origin = console_origin_of(request, self._settings)
            if request.header_map[b"origin"] == console_origin.encode("latin-1"):
                return _policy_of_console(console_origin)
            bucket = await self._bucket(place, query)
        except (NativeError, StoreError, HTTPInputError):
            return None
        return self._policies.of(bucket.bucket_id, bucket.cors_rules)

    async def _bucket(self, place: _Place, query: dict[str, str]) -> Bucket:
        """The bucket that the URL is about. Raises `BadRequest` and `NoSuchBucket`."""
        operation, subject = place
        if operation == DOWNLOAD_BY_NAME:
            return await self._store.buckets.find(name=decode(subject.encode("latin-1"), "The bucket name"))
        if operation != UPLOAD_FILE:
            file_id = parse_file_id(query.get("fileId", "") if operation == DOWNLOAD_BY_ID else subject)
            subject = "" if file_id is None else file_id.bucket_id
        return await self._store.buckets.find(bucket_id=subject)


@lru_cache(maxsize=16)
def _policy_of_console(origin: str) -> Policy:
    return Policy([{**_OF_THE_CONSOLE, "allowedOrigins": [origin]}])


def _place(request: Request) -> _Place | None:
    """What the URL is for, or None where it does not speak CORS."""
    path = request.raw_path
    if path.startswith(FILE_PREFIX):
        return _Place(DOWNLOAD_BY_NAME, path[len(FILE_PREFIX) :].partition(b"/")[0].decode("latin-1"))
    try:
        _, call, rest = split_call(path)
    except NativeError:
        return None
    return _Place(call, rest[0] if rest else "") if call in METHODS else None
