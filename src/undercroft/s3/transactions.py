"""The transaction class of every operation (reference, console-and-account 19).

What the reference does not rank is ranked as its like: what reads an object is B, what stores or removes one is A, and all
else, lists and settings of buckets above all, is C. An operation counts when it is taken up: its sender is known, and it is
one that this server answers. What becomes of it then makes no difference. Reads of objects count for the owner of the
bucket, whoever asks, once they are allowed; everything else counts for the account of the key that signed it.
"""

from __future__ import annotations

from undercroft.store.accounting.model import TransactionClass

_OPERATIONS: dict[TransactionClass, tuple[str, ...]] = {
    "A": (
        "AbortMultipartUpload", "CompleteMultipartUpload", "CreateMultipartUpload", "DeleteBucket", "DeleteObject",
        "DeleteObjectAnnotation", "DeleteObjectTagging", "DeleteObjects", "PutObject", "PutObjectAnnotation",
        "PutObjectLegalHold", "PutObjectLockConfiguration", "PutObjectRetention", "PutObjectTagging", "UploadPart",
    ),
    "B": (
        "GetObject", "GetObjectAnnotation", "GetObjectAttributes", "GetObjectLegalHold", "GetObjectLockConfiguration",
        "GetObjectRetention", "GetObjectTagging", "GetObjectTorrent", "HeadObject", "SelectObjectContent",
    ),
    "C": (
        "CopyObject", "CreateBucket", "CreateBucketMetadataConfiguration", "CreateBucketMetadataTableConfiguration",
        "CreateSession", "DeleteBucketAnalyticsConfiguration", "DeleteBucketCors", "DeleteBucketEncryption",
        "DeleteBucketIntelligentTieringConfiguration", "DeleteBucketInventoryConfiguration", "DeleteBucketLifecycle",
        "DeleteBucketMetadataConfiguration", "DeleteBucketMetadataTableConfiguration",
        "DeleteBucketMetricsConfiguration", "DeleteBucketOwnershipControls", "DeleteBucketPolicy",
        "DeleteBucketReplication", "DeleteBucketTagging", "DeleteBucketWebsite", "DeletePublicAccessBlock",
        "GetBucketAbac", "GetBucketAccelerateConfiguration", "GetBucketAcl", "GetBucketAnalyticsConfiguration",
        "GetBucketCors", "GetBucketEncryption", "GetBucketIntelligentTieringConfiguration",
        "GetBucketInventoryConfiguration", "GetBucketLifecycleConfiguration", "GetBucketLocation", "GetBucketLogging",
        "GetBucketMetadataConfiguration", "GetBucketMetadataTableConfiguration", "GetBucketMetricsConfiguration",
        "GetBucketNotificationConfiguration", "GetBucketOwnershipControls", "GetBucketPolicy",
        "GetBucketPolicyStatus", "GetBucketReplication", "GetBucketRequestPayment", "GetBucketTagging",
        "GetBucketVersioning", "GetBucketWebsite", "GetObjectAcl", "GetPublicAccessBlock", "HeadBucket",
        "ListBucketAnalyticsConfigurations", "ListBucketIntelligentTieringConfigurations",
        "ListBucketInventoryConfigurations", "ListBucketMetricsConfigurations", "ListBuckets", "ListDirectoryBuckets",
        "ListMultipartUploads", "ListObjectAnnotations", "ListObjectVersions", "ListObjects", "ListObjectsV2",
        "ListParts", "PutBucketAbac", "PutBucketAccelerateConfiguration", "PutBucketAcl",
        "PutBucketAnalyticsConfiguration", "PutBucketCors", "PutBucketEncryption",
        "PutBucketIntelligentTieringConfiguration", "PutBucketInventoryConfiguration",
        "PutBucketLifecycleConfiguration", "PutBucketLogging", "PutBucketMetricsConfiguration",
        "PutBucketNotificationConfiguration", "PutBucketOwnershipControls", "PutBucketPolicy", "PutBucketReplication",
        "PutBucketRequestPayment", "PutBucketTagging", "PutBucketVersioning", "PutBucketWebsite", "PutObjectAcl",
        "PutPublicAccessBlock", "RenameObject", "RestoreObject", "UpdateBucketMetadataAnnotationTableConfiguration",
        "UpdateBucketMetadataInventoryTableConfiguration", "UpdateBucketMetadataJournalTableConfiguration",
        "UpdateObjectEncryption", "UploadPartCopy",
    ),
}  # fmt: skip
CLASSES: dict[str, TransactionClass] = {
    name: transaction_class for transaction_class, names in _OPERATIONS.items() for name in names
}

# Those that anybody may ask for where a bucket is public; they are charged when they are allowed.
OPEN_READS = frozenset({"GetObject", "HeadObject"})
