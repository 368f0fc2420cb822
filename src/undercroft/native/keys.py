"""Application keys: create, list, delete (reference, 8.6, 8.9, 8.22)."""

from __future__ import annotations

from undercroft.native.bodies import Body
from undercroft.native.call import LIST_DEFAULT, LIST_MAX, Answer, Call, row_count
from undercroft.native.shapes import key_shape
from undercroft.store.errors import UnsupportedKey
from undercroft.store.model import ApplicationKey


class CreateKey(Body):
    """The body of `b2_create_key` in versions 1 to 3."""

    account_id: str
    capabilities: list[str]
    key_name: str
    valid_duration_in_seconds: int | None = None
    bucket_id: str | None = None
    name_prefix: str | None = None


class CreateMultiBucketKey(Body):
    """The body of `b2_create_key` in version 4."""

    account_id: str
    capabilities: list[str]
    key_name: str
    valid_duration_in_seconds: int | None = None
    bucket_ids: list[str] | None = None
    name_prefix: str | None = None


class ListKeys(Body):
    """The body of `b2_list_keys`."""

    account_id: str
    max_key_count: int | None = None
    start_application_key_id: str | None = None


class DeleteKey(Body):
    """The body of `b2_delete_key`."""

    application_key_id: str


def _is_multi_bucket(key: ApplicationKey) -> bool:
    return key.bucket_ids is not None and len(key.bucket_ids) > 1


async def create_key(call: Call, body: CreateKey | CreateMultiBucketKey) -> Answer:
    """Make a key. This answer alone has its secret."""
    await call.check_account_to("Create key", body.key_name, body.account_id)
    if isinstance(body, CreateMultiBucketKey):
        bucket_ids = body.bucket_ids
    else:
        bucket_ids = None if body.bucket_id is None else [body.bucket_id]
    key = await call.store.identity.keys.create(
        call.managing,
        body.key_name,
        body.capabilities,
        bucket_ids=bucket_ids,
        name_prefix=body.name_prefix,
        valid_s=body.valid_duration_in_seconds,
    )
    return {**key_shape(key, multi_bucket=call.version.multi_bucket_keys), "applicationKey": key.secret}


async def list_keys(call: Call, body: ListKeys) -> Answer:
    """List keys by id. Versions that cannot express keys of several buckets leave them out."""
    call.check_account(body.account_id)
    limit = row_count("maxKeyCount", body.max_key_count, default=LIST_DEFAULT, maximum=LIST_MAX)
    keys, next_id = await call.store.identity.keys.list(
        call.principal, start_key_id=body.start_application_key_id, limit=limit
    )
    multi_bucket = call.version.multi_bucket_keys
    return {
        "keys": [
            key_shape(key, multi_bucket=multi_bucket) for key in keys if multi_bucket or not _is_multi_bucket(key)
        ],
        "nextApplicationKeyId": next_id,
    }


async def delete_key(call: Call, body: DeleteKey) -> Answer:
    """Delete a key; its tokens stop working at once."""
    if not call.version.multi_bucket_keys:
        key = await call.store.identity.key(body.application_key_id)
        if key is not None and key.account_id == call.principal.account_id and _is_multi_bucket(key):
            raise UnsupportedKey("The key is restricted to several buckets.")
    deleted = await call.store.identity.keys.delete(call.managing, body.application_key_id)
    return key_shape(deleted, multi_bucket=call.version.multi_bucket_keys)
