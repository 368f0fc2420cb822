"""Which class of transaction each operation of S3 is."""

from __future__ import annotations

import pytest

from undercroft.s3.operations import OPERATIONS
from undercroft.s3.transactions import _OPERATIONS, CLASSES


def test_every_operation_has_one_class():
    assert OPERATIONS.keys() == CLASSES.keys()
    assert sum(map(len, _OPERATIONS.values())) == len(CLASSES)


@pytest.mark.parametrize(
    ("transaction_class", "operations"),
    [
        ("A", "AbortMultipartUpload CreateMultipartUpload CompleteMultipartUpload DeleteBucket DeleteObject DeleteObjects"
              " PutObject PutObjectLegalHold PutObjectLockConfiguration PutObjectRetention UploadPart"),
        ("B", "GetObject GetObjectLegalHold GetObjectLockConfiguration GetObjectRetention HeadObject"),
        ("C", "CopyObject CreateBucket DeleteBucketCors DeleteBucketEncryption GetBucketAcl GetBucketCors GetObjectAcl"
              " GetBucketEncryption GetBucketLocation GetBucketVersioning HeadBucket ListBuckets ListMultipartUploads"
              " ListObjectsV2 ListObjectVersions ListParts PutBucketAcl PutBucketCors PutBucketEncryption PutObjectAcl"
              " UploadPartCopy"),
    ],
)  # fmt: skip
def test_operations_have_the_class_that_b2_gives_them(transaction_class, operations):
    assert {CLASSES[name] for name in operations.split()} == {transaction_class}
