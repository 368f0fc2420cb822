"""Server-side encryption by the clients that know it, with keys of the service and of the customer, across the faces."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from b2sdk.v3 import EncryptionAlgorithm, EncryptionKey, EncryptionMode, EncryptionSetting, UploadSourceBytes
from b2sdk.v3.exception import SSECKeyError
from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from harness.clients import Client
from harness.customer_keys import KEY, OTHER_KEY, AKey
from harness.trees import random_bytes

MIB = 1024 * 1024


def of_boto3(key: AKey, source: bool = False) -> dict[str, Any]:
    prefix = "CopySourceSSECustomer" if source else "SSECustomer"
    return {f"{prefix}Algorithm": "AES256", f"{prefix}Key": key.key}


def of_b2sdk(key: AKey) -> EncryptionSetting:
    return EncryptionSetting(EncryptionMode.SSE_C, EncryptionAlgorithm.AES256, EncryptionKey(key.key, None))


def read(download: Any) -> bytes:
    target = io.BytesIO()
    download.save(target)
    return target.getvalue()


def test_boto3_goes_round_with_a_customers_key(s3: Any, bucket: str) -> None:
    body = random_bytes(12 * MIB)
    s3.upload_fileobj(
        io.BytesIO(body), bucket, "large", ExtraArgs=of_boto3(KEY), Config=TransferConfig(multipart_chunksize=5 * MIB)
    )
    target = io.BytesIO()
    s3.download_fileobj(bucket, "large", target, ExtraArgs=of_boto3(KEY))
    assert target.getvalue() == body
    head = s3.head_object(Bucket=bucket, Key="large", **of_boto3(KEY))
    assert (head["SSECustomerAlgorithm"], head["SSECustomerKeyMD5"]) == ("AES256", KEY.md5)
    for asked, status in (({}, 400), (of_boto3(OTHER_KEY), 403)):
        with pytest.raises(ClientError) as refused:
            s3.get_object(Bucket=bucket, Key="large", **asked)
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == status
    source = {"Bucket": bucket, "Key": "large"}
    s3.copy(source, bucket, "copy", ExtraArgs={**of_boto3(OTHER_KEY), **of_boto3(KEY, source=True)})
    assert s3.get_object(Bucket=bucket, Key="copy", **of_boto3(OTHER_KEY))["Body"].read() == body


def test_boto3_asks_for_the_services_key_and_sets_it_for_a_bucket(s3: Any, bucket: str) -> None:
    assert (
        s3.put_object(Bucket=bucket, Key="n", Body=b"x", ServerSideEncryption="AES256")["ServerSideEncryption"]
        == "AES256"
    )
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    s3.put_bucket_encryption(Bucket=bucket, ServerSideEncryptionConfiguration={"Rules": [rule]})
    answer = s3.get_bucket_encryption(Bucket=bucket)["ServerSideEncryptionConfiguration"]["Rules"]
    assert answer[0]["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    s3.delete_bucket_encryption(Bucket=bucket)
    assert s3.head_object(Bucket=bucket, Key="n")["ServerSideEncryption"] == "AES256"


def test_b2sdk_goes_round_with_a_customers_key_and_copies_to_another(b2sdk: Any, bucket: str) -> None:
    opened = b2sdk.get_bucket_by_name(bucket)
    body = random_bytes(10_000_100)
    made = opened.concatenate(
        [UploadSourceBytes(body)], "large", recommended_upload_part_size=5_000_000, min_part_size=5_000_000,
        encryption=of_b2sdk(KEY),
    )  # fmt: skip
    assert made.server_side_encryption.mode is EncryptionMode.SSE_C
    assert read(opened.download_file_by_name("large", encryption=of_b2sdk(KEY))) == body
    with pytest.raises(SSECKeyError):
        opened.download_file_by_name("large", encryption=of_b2sdk(OTHER_KEY))
    opened.copy(
        made.id_, "copy", source_encryption=of_b2sdk(KEY), destination_encryption=of_b2sdk(OTHER_KEY),
        file_info={}, content_type="a/b",
    )  # fmt: skip
    assert read(opened.download_file_by_name("copy", encryption=of_b2sdk(OTHER_KEY))) == body
    with pytest.raises(SSECKeyError):
        opened.copy(made.id_, "no", source_encryption=of_b2sdk(OTHER_KEY), file_info={}, content_type="a/b")


def test_what_one_face_encrypts_the_other_reads_with_the_same_key(s3: Any, b2sdk: Any, bucket: str) -> None:
    opened = b2sdk.get_bucket_by_name(bucket)
    for size in (1000, 200_000):
        body = random_bytes(size)
        s3.put_object(Bucket=bucket, Key="by-s3", Body=body, **of_boto3(KEY))
        assert read(opened.download_file_by_name("by-s3", encryption=of_b2sdk(KEY))) == body
        opened.upload_bytes(body, "by-b2", encryption=of_b2sdk(KEY))
        assert s3.get_object(Bucket=bucket, Key="by-b2", **of_boto3(KEY))["Body"].read() == body


@pytest.mark.parametrize("backend", ["b2", "s3"])
def test_rclone_goes_round_with_a_customers_key(rclone: Client, bucket: str, backend: str, tmp_path: Path) -> None:
    (tmp_path / "small").write_bytes(random_bytes(5000))
    (tmp_path / "large").write_bytes(random_bytes(11_000_000))
    # rclone wants the key as text or in base64.
    key = (
        f"--{backend}-sse-customer-algorithm=AES256",
        f"--{backend}-sse-customer-key-base64={KEY.text}",
        f"--{backend}-upload-cutoff=5M",
        f"--{backend}-chunk-size=5M",
    )
    remote = f"{backend}:{bucket}"
    for name in ("small", "large"):
        rclone.run("copyto", *key, tmp_path / name, f"{remote}/{name}")
        rclone.run("copyto", *key, f"{remote}/{name}", tmp_path / "back")
        assert (tmp_path / "back").read_bytes() == (tmp_path / name).read_bytes()
