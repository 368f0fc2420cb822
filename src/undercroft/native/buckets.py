"""Buckets: create, list, update, delete (reference, 8.5, 8.7, 8.19, 8.27)."""

from __future__ import annotations

from collections.abc import Sequence

from undercroft.native.bodies import Body
from undercroft.native.bucket_info import checked_bucket_info
from undercroft.native.call import Answer, Call
from undercroft.native.cors_rules import CORSRule, cors_documents
from undercroft.native.encryption import EncryptionSetting, bucket_encryption_change
from undercroft.native.errors import BadRequest
from undercroft.native.file_locks import BucketRetention, bucket_lock_change
from undercroft.native.lifecycle_rules import LifecycleRule, lifecycle_documents
from undercroft.native.replication_rules import ReplicationConfiguration, replication_of
from undercroft.native.shapes import bucket_shape
from undercroft.store.buckets.lock import LockChange
from undercroft.store.model import Bucket

LISTABLE_TYPES = ("allPublic", "allPrivate", "snapshot", "restricted", "shared")
LISTED_BY_DEFAULT = ("allPublic", "allPrivate", "snapshot")


class BucketSettings(Body, kw_only=True):
    """What create and update have in common."""

    bucket_info: dict[str, str] | None = None
    cors_rules: list[CORSRule] | None = None
    lifecycle_rules: list[LifecycleRule] | None = None
    default_server_side_encryption: EncryptionSetting | None = None
    default_retention: BucketRetention | None = None
    file_lock_enabled: bool | None = None
    replication_configuration: ReplicationConfiguration | None = None

    @property
    def lock_change(self) -> LockChange:
        """What to change of the bucket's Object Lock. Raises `BadRequest`."""
        return bucket_lock_change(self.file_lock_enabled, self.default_retention)


class CreateBucket(BucketSettings, kw_only=True):
    """The body of `b2_create_bucket`."""

    account_id: str
    bucket_name: str
    bucket_type: str


class UpdateBucket(BucketSettings, kw_only=True):
    """The body of `b2_update_bucket`: what is absent stays as it is."""

    account_id: str
    bucket_id: str
    bucket_type: str | None = None
    if_revision_is: int | None = None


class DeleteBucket(Body):
    """The body of `b2_delete_bucket`."""

    account_id: str
    bucket_id: str


class ListBuckets(Body):
    """The body of `b2_list_buckets`."""

    account_id: str
    bucket_id: str | None = None
    bucket_name: str | None = None
    bucket_types: list[str] | None = None


def _types_to_list(asked: list[str] | None) -> Sequence[str] | None:
    """The bucket types a list is limited to, None for every type. Raises `BadRequest` for an unknown or odd choice."""
    if asked is None:
        return LISTED_BY_DEFAULT
    if asked == ["all"]:
        return None
    if not asked or not set(asked) <= set(LISTABLE_TYPES):
        raise BadRequest('bucketTypes must name known bucket types, or be ["all"]')
    return asked


def _shape(call: Call, bucket: Bucket) -> Answer:
    return bucket_shape(bucket, call.principal, call.store.buckets.encryption_of(bucket))


async def create_bucket(call: Call, body: CreateBucket) -> Answer:
    """Make a bucket."""
    await call.check_account_to("Create bucket", body.bucket_name, body.account_id)
    bucket = await call.store.buckets.create(
        call.managing,
        body.bucket_name,
        body.bucket_type,
        info=checked_bucket_info(body.bucket_info or {}),
        cors_rules=cors_documents(body.cors_rules or []),
        lifecycle_rules=lifecycle_documents(body.lifecycle_rules or []),
        lock=body.lock_change,
        replication=replication_of(body.replication_configuration),
        encryption=bucket_encryption_change(body.default_server_side_encryption),
    )
    return _shape(call, bucket)


async def update_bucket(call: Call, body: UpdateBucket) -> Answer:
    """Replace the settings given, each as a whole."""
    await call.check_account_to("Change bucket settings", body.bucket_id, body.account_id)
    bucket = await call.store.buckets.update(
        call.managing,
        body.bucket_id,
        bucket_type=body.bucket_type,
        info=None if body.bucket_info is None else checked_bucket_info(body.bucket_info),
        cors_rules=None if body.cors_rules is None else cors_documents(body.cors_rules),
        lifecycle_rules=None if body.lifecycle_rules is None else lifecycle_documents(body.lifecycle_rules),
        lock=body.lock_change,
        replication=replication_of(body.replication_configuration),
        encryption=bucket_encryption_change(body.default_server_side_encryption),
        if_revision_is=body.if_revision_is,
    )
    return _shape(call, bucket)


async def delete_bucket(call: Call, body: DeleteBucket) -> Answer:
    """Delete an empty bucket and answer it as it was."""
    await call.check_account_to("Delete bucket", body.bucket_id, body.account_id)
    return _shape(call, await call.store.buckets.delete(call.managing, body.bucket_id))


async def list_buckets(call: Call, body: ListBuckets) -> Answer:
    """List buckets by name."""
    call.check_account(body.account_id)
    buckets = await call.store.buckets.list(
        call.principal,
        name=body.bucket_name,
        bucket_id=body.bucket_id,
        types=_types_to_list(body.bucket_types),
        lenient=call.version.lenient_bucket_list,
    )
    return {"buckets": [_shape(call, bucket) for bucket in buckets]}
