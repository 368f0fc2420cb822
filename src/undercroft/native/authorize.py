"""b2_authorize_account: a key id and its secret become a token, in the layout of each version (reference, 8.1)."""

from __future__ import annotations

import base64
import binascii
import re

from undercroft import limits
from undercroft.http.origin import origin_of
from undercroft.http.request import Request
from undercroft.native.api_versions import APIVersion
from undercroft.native.call import Answer
from undercroft.native.errors import AUTHORIZE_ACCOUNT, NativeError
from undercroft.native.key_uses import note_use
from undercroft.native.transactions import CLASSES
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.errors import NoSuchBucket, UnsupportedKey
from undercroft.store.model import ApplicationKey

# The account's own id is its master key's; other keys have a cluster in front and a counter behind.
_KEY_ID = re.compile(r"(?:[0-9a-f]{12}|[0-9]{3}[0-9a-f]{22})\Z")
_CHALLENGE = [(b"www-authenticate", b'BASIC realm="authorize_account"')]


def basic_credentials(header: bytes | None) -> tuple[str, str]:
    """Key id and secret of a Basic `Authorization` header.

    Raises 401 `bad_auth_token` with a challenge where there is none, or the id cannot be one. That says nothing about
    which keys exist; a well-formed id is always judged together with its secret.
    """
    scheme, _, encoded = (header or b"").strip().partition(b" ")
    try:
        if scheme.lower() == b"basic":
            key_id, _, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
            if _KEY_ID.match(key_id):
                return key_id, secret
    except (binascii.Error, UnicodeDecodeError):
        pass  # Garbage is answered as an absent header is.
    raise NativeError(401, "bad_auth_token", "", _CHALLENGE)


async def authorize_account(store: Store, settings: Settings, request: Request, version: APIVersion) -> Answer:
    """Answer a token and the URLs to use it at. Raises what `basic_credentials` does, BadCredentials, UnsupportedKey."""
    key_id, secret = basic_credentials(request.header_map.get(b"authorization"))
    principal = await store.identity.authenticate_key(key_id, secret)
    note_use(store, settings, request, principal)
    request.principal = principal
    key = principal.key
    assert key is not None, "who authenticated with a key has one"
    if key.bucket_ids is not None and len(key.bucket_ids) > 1 and not version.multi_bucket_keys:
        raise UnsupportedKey("The key is restricted to several buckets.")
    request.counted = store.accounting.charge(
        key.account_id, AUTHORIZE_ACCOUNT, CLASSES[AUTHORIZE_ACCOUNT], key_id=key.key_id
    )
    buckets = await _allowed_buckets(store, key)
    token = await store.identity.account_token(principal)
    origin = origin_of(request, settings)
    urls: Answer = {
        "absoluteMinimumPartSize": limits.NATIVE_PART_MIN_BYTES,
        "apiUrl": origin,
        "downloadUrl": origin,
        "recommendedPartSize": limits.RECOMMENDED_PART_BYTES,
        "s3ApiUrl": origin,
    }
    answer: Answer = {"accountId": key.account_id, "authorizationToken": token}
    if version.multi_bucket_keys:
        allowed = {"buckets": buckets, "capabilities": sorted(key.capabilities), "namePrefix": key.name_prefix}
        answer["apiInfo"] = {"storageApi": {**urls, "allowed": allowed}}
    elif version.authorize_has_api_info:
        restrictions = _single_bucket_restrictions(key, buckets, version)
        answer["apiInfo"] = {"storageApi": {**urls, **restrictions, "infoType": "storageApi"}}
    else:
        answer |= urls
        answer["allowed"] = _single_bucket_restrictions(key, buckets, version)
    if version.authorize_has_api_info:
        if await store.identity.groups.may_administer(principal):
            answer["apiInfo"]["groupsApi"] = {
                "capabilities": ["all"],
                "groupsApiUrl": origin,
                "infoType": "groupsApi",
            }
        answer["applicationKeyExpirationTimestamp"] = key.expires_ms
    if version.authorize_has_minimum_part_size:
        answer["minimumPartSize"] = limits.RECOMMENDED_PART_BYTES
    return answer


async def _allowed_buckets(store: Store, key: ApplicationKey) -> list[Answer] | None:
    """The buckets a key is restricted to, None where to none. A deleted bucket keeps its place without a name."""
    if key.bucket_ids is None:
        return None
    buckets: list[Answer] = []
    for bucket_id in key.bucket_ids:
        try:
            name = (await store.buckets.find(bucket_id=bucket_id)).name
        except NoSuchBucket:
            buckets.append({"id": bucket_id, "name": None})
        else:
            buckets.append({"id": bucket_id, "name": name})
    return buckets


def _single_bucket_restrictions(key: ApplicationKey, buckets: list[Answer] | None, version: APIVersion) -> Answer:
    """What a key may do, as the versions say it that know at most one bucket a key."""
    only = buckets[0] if buckets else {"id": None, "name": None}
    restrictions: Answer = {
        "bucketId": only["id"],
        "capabilities": sorted(key.capabilities),
        "namePrefix": key.name_prefix,
    }
    if version.authorize_has_bucket_name:
        restrictions["bucketName"] = only["name"]
    return restrictions
