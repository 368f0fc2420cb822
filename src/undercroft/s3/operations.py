"""The table of operations: for each that the facts know, the capability it needs and who answers it.

An operation without a handler is answered `NotImplemented`. The capability is named for every one of them all the same
(reference, 1.3): whoever implements the operation finds it here, and a test fails for an operation that is missing. It
is the store that judges; a wire test holds its judgement against this table.
"""

from __future__ import annotations

from typing import NamedTuple

from undercroft.s3.actions.abort_multipart_upload import abort_multipart_upload
from undercroft.s3.actions.acl import get_bucket_acl, get_object_acl, put_bucket_acl, put_object_acl
from undercroft.s3.actions.bucket_cors import delete_bucket_cors, get_bucket_cors, put_bucket_cors
from undercroft.s3.actions.bucket_encryption import (
    delete_bucket_encryption,
    get_bucket_encryption,
    put_bucket_encryption,
)
from undercroft.s3.actions.bucket_lifecycle import (
    delete_bucket_lifecycle,
    get_bucket_lifecycle_configuration,
    put_bucket_lifecycle_configuration,
)
from undercroft.s3.actions.bucket_logging import get_bucket_logging, put_bucket_logging
from undercroft.s3.actions.bucket_versioning import get_bucket_versioning, put_bucket_versioning
from undercroft.s3.actions.complete_multipart_upload import complete_multipart_upload
from undercroft.s3.actions.copy_object import copy_object
from undercroft.s3.actions.create_bucket import create_bucket
from undercroft.s3.actions.create_multipart_upload import create_multipart_upload
from undercroft.s3.actions.delete_bucket import delete_bucket
from undercroft.s3.actions.delete_object import delete_object
from undercroft.s3.actions.delete_objects import delete_objects
from undercroft.s3.actions.get_bucket_location import get_bucket_location
from undercroft.s3.actions.get_object import get_object, head_object
from undercroft.s3.actions.get_object_attributes import get_object_attributes
from undercroft.s3.actions.head_bucket import head_bucket
from undercroft.s3.actions.list_buckets import list_buckets
from undercroft.s3.actions.list_multipart_uploads import list_multipart_uploads
from undercroft.s3.actions.list_object_versions import list_object_versions
from undercroft.s3.actions.list_objects import list_objects, list_objects_v2
from undercroft.s3.actions.list_parts import list_parts
from undercroft.s3.actions.object_legal_hold import get_object_legal_hold, put_object_legal_hold
from undercroft.s3.actions.object_lock_configuration import (
    get_object_lock_configuration,
    put_object_lock_configuration,
)
from undercroft.s3.actions.object_retention import get_object_retention, put_object_retention
from undercroft.s3.actions.put_object import put_object
from undercroft.s3.actions.unset import UNSET_SETTINGS, get_object_tagging
from undercroft.s3.actions.upload_part import upload_part
from undercroft.s3.actions.upload_part_copy import upload_part_copy
from undercroft.s3.call import Handler

_ANSWERED: dict[str, tuple[str, Handler]] = {
    "AbortMultipartUpload": ("writeFiles", abort_multipart_upload),
    "CompleteMultipartUpload": ("writeFiles", complete_multipart_upload),
    "CopyObject": ("writeFiles", copy_object),
    "CreateBucket": ("writeBuckets", create_bucket),  # With Object Lock, writeBucketRetentions as well.
    "CreateMultipartUpload": ("writeFiles", create_multipart_upload),
    "DeleteBucket": ("deleteBuckets", delete_bucket),
    "DeleteBucketCors": ("writeBuckets", delete_bucket_cors),
    "DeleteBucketEncryption": ("writeBucketEncryption", delete_bucket_encryption),
    "DeleteBucketLifecycle": ("writeBucketLifecycleRules", delete_bucket_lifecycle),
    "DeleteObject": ("writeFiles", delete_object),  # With a version id, deleteFiles.
    "DeleteObjects": ("writeFiles", delete_objects),  # The same, object by object.
    "GetBucketAcl": ("readBuckets", get_bucket_acl),
    "GetBucketCors": ("readBuckets", get_bucket_cors),
    "GetBucketEncryption": ("readBucketEncryption", get_bucket_encryption),
    "GetBucketLifecycleConfiguration": ("readBucketLifecycleRules", get_bucket_lifecycle_configuration),
    "GetBucketLocation": ("readBuckets", get_bucket_location),
    "GetBucketLogging": ("readBucketLogging", get_bucket_logging),
    "GetBucketVersioning": ("readBuckets", get_bucket_versioning),
    "GetObject": ("readFiles", get_object),
    "GetObjectAcl": ("readFiles", get_object_acl),
    "GetObjectAttributes": ("readFiles", get_object_attributes),
    "GetObjectLegalHold": ("readFileLegalHolds", get_object_legal_hold),
    "GetObjectLockConfiguration": ("readBucketRetentions", get_object_lock_configuration),
    "GetObjectRetention": ("readFileRetentions", get_object_retention),
    "GetObjectTagging": ("readFiles", get_object_tagging),
    "HeadBucket": ("listBuckets", head_bucket),
    "HeadObject": ("readFiles", head_object),
    "ListBuckets": ("listBuckets", list_buckets),
    "ListMultipartUploads": ("listFiles", list_multipart_uploads),
    "ListObjectVersions": ("listFiles", list_object_versions),
    "ListObjects": ("listFiles", list_objects),
    "ListObjectsV2": ("listFiles", list_objects_v2),
    "ListParts": ("listFiles", list_parts),
    "PutBucketAcl": ("writeBuckets", put_bucket_acl),
    "PutBucketCors": ("writeBuckets", put_bucket_cors),
    "PutBucketEncryption": ("writeBucketEncryption", put_bucket_encryption),
    "PutBucketLifecycleConfiguration": ("writeBucketLifecycleRules", put_bucket_lifecycle_configuration),
    "PutBucketLogging": ("writeBucketLogging", put_bucket_logging),
    "PutBucketVersioning": ("writeBuckets", put_bucket_versioning),
    "PutObject": ("writeFiles", put_object),
    "PutObjectAcl": ("writeFiles", put_object_acl),
    "PutObjectLegalHold": ("writeFileLegalHolds", put_object_legal_hold),
    "PutObjectLockConfiguration": ("writeBucketRetentions", put_object_lock_configuration),
    "PutObjectRetention": ("writeFileRetentions", put_object_retention),
    "UploadPart": ("writeFiles", upload_part),
    "UploadPartCopy": ("writeFiles", upload_part_copy),
    # While replication cannot be set, that it is unset is no secret beyond a bucket's others.
    **{name: ("readBuckets", handler) for name, handler in UNSET_SETTINGS.items()},
}

_NOT_IMPLEMENTED: dict[str, str] = {
    "CreateBucketMetadataConfiguration": "writeBuckets",
    "CreateBucketMetadataTableConfiguration": "writeBuckets",
    "CreateSession": "readBuckets",
    "DeleteBucketAnalyticsConfiguration": "writeBuckets",
    "DeleteBucketIntelligentTieringConfiguration": "writeBuckets",
    "DeleteBucketInventoryConfiguration": "writeBuckets",
    "DeleteBucketMetadataConfiguration": "writeBuckets",
    "DeleteBucketMetadataTableConfiguration": "writeBuckets",
    "DeleteBucketMetricsConfiguration": "writeBuckets",
    "DeleteBucketOwnershipControls": "writeBuckets",
    "DeleteBucketPolicy": "writeBuckets",
    "DeleteBucketReplication": "writeBucketReplications",
    "DeleteBucketTagging": "writeBuckets",
    "DeleteBucketWebsite": "writeBuckets",
    "DeleteObjectAnnotation": "writeFiles",
    "DeleteObjectTagging": "writeFiles",
    "DeletePublicAccessBlock": "writeBuckets",
    "GetBucketAbac": "readBuckets",
    "GetBucketMetadataConfiguration": "readBuckets",
    "GetBucketMetadataTableConfiguration": "readBuckets",
    "GetObjectAnnotation": "readFiles",
    "GetObjectTorrent": "readFiles",
    "ListDirectoryBuckets": "listBuckets",
    "ListObjectAnnotations": "readFiles",
    "PutBucketAbac": "writeBuckets",
    "PutBucketAccelerateConfiguration": "writeBuckets",
    "PutBucketAnalyticsConfiguration": "writeBuckets",
    "PutBucketIntelligentTieringConfiguration": "writeBuckets",
    "PutBucketInventoryConfiguration": "writeBuckets",
    "PutBucketMetricsConfiguration": "writeBuckets",
    "PutBucketNotificationConfiguration": "writeBucketNotifications",
    "PutBucketOwnershipControls": "writeBuckets",
    "PutBucketPolicy": "writeBuckets",
    "PutBucketReplication": "writeBucketReplications",
    "PutBucketRequestPayment": "writeBuckets",
    "PutBucketTagging": "writeBuckets",
    "PutBucketWebsite": "writeBuckets",
    "PutObjectAnnotation": "writeFiles",
    "PutObjectTagging": "writeFiles",
    "PutPublicAccessBlock": "writeBuckets",
    "RenameObject": "writeFiles",
    "RestoreObject": "writeFiles",
    "SelectObjectContent": "readFiles",
    "UpdateBucketMetadataAnnotationTableConfiguration": "writeBuckets",
    "UpdateBucketMetadataInventoryTableConfiguration": "writeBuckets",
    "UpdateBucketMetadataJournalTableConfiguration": "writeBuckets",
    "UpdateObjectEncryption": "writeFiles",
}


class S3Operation(NamedTuple):
    """The capability that an operation needs, and its handler, where there is one."""

    capability: str
    handler: Handler | None


OPERATIONS: dict[str, S3Operation] = {
    **{name: S3Operation(capability, handler) for name, (capability, handler) in _ANSWERED.items()},
    **{name: S3Operation(capability, None) for name, capability in _NOT_IMPLEMENTED.items()},
}
