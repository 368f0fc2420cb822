"""The settings that buckets and objects do not have here, answered as S3 answers while they are unset.

Tools ask for them on their way and take "unset" for what it is, where they would stop at `NotImplemented`
(reference, 2.27). Where a setting exists in the store but this face cannot tell it, saying "unset" would be a lie, and
the answer is `NotImplemented` after all.
"""

from __future__ import annotations

from undercroft.http.response import Response
from undercroft.s3.answers import xml_answer
from undercroft.s3.call import Call, Handler
from undercroft.s3.errors import S3Error
from undercroft.store.model import Bucket
from undercroft.store.operations import Operation

# The documents of settings that can be empty.
_EMPTY: dict[str, tuple[str, str]] = {
    "GetBucketAccelerateConfiguration": ("AccelerateConfiguration", ""),
    "GetBucketNotificationConfiguration": ("NotificationConfiguration", ""),
    "GetBucketRequestPayment": ("RequestPaymentConfiguration", "<Payer>BucketOwner</Payer>"),
    "ListBucketAnalyticsConfigurations": (
        "ListBucketAnalyticsConfigurationResult",
        "<IsTruncated>false</IsTruncated>",
    ),
    "ListBucketIntelligentTieringConfigurations": (
        "ListBucketIntelligentTieringConfigurationsOutput",
        "<IsTruncated>false</IsTruncated>",
    ),
    "ListBucketInventoryConfigurations": ("ListInventoryConfigurationsResult", "<IsTruncated>false</IsTruncated>"),
    "ListBucketMetricsConfigurations": ("ListMetricsConfigurationsResult", "<IsTruncated>false</IsTruncated>"),
}

# The errors of settings that are there or not.
_MISSING: dict[str, str] = {
    "GetBucketAnalyticsConfiguration": "NoSuchConfiguration",
    "GetBucketIntelligentTieringConfiguration": "NoSuchConfiguration",
    "GetBucketInventoryConfiguration": "NoSuchConfiguration",
    "GetBucketMetricsConfiguration": "NoSuchConfiguration",
    "GetBucketOwnershipControls": "OwnershipControlsNotFoundError",
    "GetBucketPolicy": "NoSuchBucketPolicy",
    "GetBucketPolicyStatus": "NoSuchBucketPolicy",
    "GetBucketReplication": "ReplicationConfigurationNotFoundError",
    "GetBucketTagging": "NoSuchTagSet",
    "GetBucketWebsite": "NoSuchWebsiteConfiguration",
    "GetPublicAccessBlock": "NoSuchPublicAccessBlockConfiguration",
}


async def _empty_setting(call: Call) -> Response:
    await call.settings_of_bucket(Operation.READ_BUCKET)
    return xml_answer(*_EMPTY[call.facts.name])


async def missing_setting(call: Call) -> Response:
    """GET of a setting that is not there: the error that says so, or `NotImplemented` where it is."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET)
    if _is_set(call.facts.name, bucket):
        raise S3Error("NotImplemented", "The bucket has this setting, but only the B2 Native API can show it.")
    raise S3Error(_MISSING[call.facts.name], extras={"BucketName": bucket.name})


def _is_set(operation: str, bucket: Bucket) -> bool:
    """Whether the store has what the operation asks for, set through another face."""
    return operation == "GetBucketReplication" and bucket.replication.is_set


async def get_object_tagging(call: Call) -> Response:
    """GET /bucket/key?tagging: no object has tags, so the set is empty; clients that copy ask for it."""
    call.require_signature()
    version = await call.version(await call.bucket())
    headers = [(b"x-amz-version-id", str(version.file_id).encode("ascii"))]
    return xml_answer("Tagging", "<TagSet></TagSet>", headers)


UNSET_SETTINGS: dict[str, Handler] = {
    **dict.fromkeys(_EMPTY, _empty_setting),
    **dict.fromkeys(_MISSING, missing_setting),
}
