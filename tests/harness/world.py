"""What an attack is after: a bucket with one of everything in it, and a way to see whether any of it has changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.hostile import Client

SECRET_CONTENT = b"the content that nobody else may read"


@dataclass
class World:
    """A bucket of the owner's with one of everything in it."""

    owner: Client
    name: str
    bucket_id: str
    file_id: str
    hidden_id: str
    upload_id: str

    def snapshot(self) -> Any:
        """All that could change: what is listed in the bucket and in the unfinished upload, and the bucket's settings."""
        owner = self.owner
        return (
            owner.ok("b2_list_file_versions", bucketId=self.bucket_id, maxFileCount=1000),
            owner.ok("b2_list_parts", fileId=self.upload_id),
            owner.ok("b2_list_buckets", accountId=owner.account_id, bucketId=self.bucket_id),
        )

    def owner_keys(self) -> list[str]:
        """The ids of the owner's keys."""
        listed = self.owner.ok("b2_list_keys", accountId=self.owner.account_id, maxKeyCount=10_000)["keys"]
        return [key["applicationKeyId"] for key in listed]


def build_world(owner: Client, name: str, bucket_id: str) -> World:
    """Fills an empty bucket: a file, a hidden file, and an upload with one part."""
    file_id = owner.s3("PUT", f"/{name}/in/file", body=SECRET_CONTENT).headers["x-amz-version-id"]
    owner.s3("PUT", f"/{name}/in/hidden", body=SECRET_CONTENT)
    hidden_id = owner.s3("DELETE", f"/{name}/in/hidden").headers["x-amz-version-id"]
    upload_id = owner.s3("POST", f"/{name}/in/large?uploads").texts("UploadId")[0]
    part = owner.s3("PUT", f"/{name}/in/large?partNumber=1&uploadId={upload_id}", body=SECRET_CONTENT)
    assert part.status == 200, part.body
    return World(owner, name, bucket_id, file_id, hidden_id, upload_id)
