"""The AWS command line: `aws s3` on folders, and `aws s3api` call by call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness.clients import Client
from harness.trees import digests, make_tree, random_bytes


def test_mb_cp_ls_and_rb(aws: Client, new_name: Callable[[str], str], tmp_path: Path) -> None:
    bucket = new_name("aws")
    source = tmp_path / "hello.txt"
    source.write_text("hello")
    aws.run("s3", "mb", f"s3://{bucket}")
    assert bucket in aws.out("s3", "ls")
    aws.run("s3", "cp", source, f"s3://{bucket}/folder/hello.txt")
    assert "PRE folder/" in aws.out("s3", "ls", f"s3://{bucket}")
    assert "hello.txt" in aws.out("s3", "ls", "--recursive", f"s3://{bucket}")
    aws.run("s3", "cp", f"s3://{bucket}/folder/hello.txt", tmp_path / "back.txt")
    assert (tmp_path / "back.txt").read_text() == "hello"
    assert aws.out("s3", "cp", f"s3://{bucket}/folder/hello.txt", "-") == "hello"
    assert "BucketNotEmpty" in aws.run("s3", "rb", f"s3://{bucket}", expect=None).stderr
    versions = json.loads(aws.out("s3api", "list-object-versions", "--bucket", bucket))["Versions"]
    for row in versions:
        aws.run("s3api", "delete-object", "--bucket", bucket, "--key", row["Key"], "--version-id", row["VersionId"])
    aws.run("s3", "rb", f"s3://{bucket}")
    assert bucket not in aws.out("s3", "ls")


def test_sync_up_down_and_with_delete(aws: Client, bucket: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    expected = make_tree(tree, files=20)
    aws.run("s3", "sync", tree, f"s3://{bucket}/backup")
    assert aws.out("s3", "sync", tree, f"s3://{bucket}/backup") == ""  # Nothing is left to do.
    aws.run("s3", "sync", f"s3://{bucket}/backup", tmp_path / "back")
    assert digests(tmp_path / "back") == expected
    (tree / "plain.txt").unlink()
    (tree / "new.txt").write_text("new")
    aws.run("s3", "sync", "--delete", tree, f"s3://{bucket}/backup")
    aws.run("s3", "sync", "--delete", f"s3://{bucket}/backup", tmp_path / "back")
    assert digests(tmp_path / "back") == digests(tree)
    aws.run("s3", "rm", "--recursive", f"s3://{bucket}/backup")
    assert aws.out("s3", "ls", "--recursive", f"s3://{bucket}") == ""


def test_a_file_above_the_threshold_goes_up_in_parts(aws: Client, bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "large.bin"
    source.write_bytes(random_bytes(20 * 1024 * 1024 + 17))
    aws.run("s3", "cp", source, f"s3://{bucket}/large.bin")
    head = json.loads(aws.out("s3api", "head-object", "--bucket", bucket, "--key", "large.bin"))
    assert head["ETag"].endswith('-3"')
    aws.run("s3", "cp", f"s3://{bucket}/large.bin", tmp_path / "back.bin")
    assert digests(tmp_path)["back.bin"] == digests(tmp_path)["large.bin"]
    aws.run("s3", "cp", f"s3://{bucket}/large.bin", f"s3://{bucket}/copy.bin")
    aws.run("s3", "mv", f"s3://{bucket}/copy.bin", tmp_path / "moved.bin")
    assert digests(tmp_path)["moved.bin"] == digests(tmp_path)["large.bin"]


def test_standard_input_can_be_stored(aws: Client, bucket: str) -> None:
    aws.run("s3", "cp", "-", f"s3://{bucket}/piped", stdin="from a pipe")
    assert aws.out("s3", "cp", f"s3://{bucket}/piped", "-") == "from a pipe"


def test_s3api_puts_heads_copies_and_reads_ranges(aws: Client, bucket: str, tmp_path: Path) -> None:
    body = random_bytes(70_000)
    (tmp_path / "body").write_bytes(body)
    put = json.loads(
        aws.out(
            "s3api", "put-object", "--bucket", bucket, "--key", "k", "--body", tmp_path / "body",
            "--metadata", "colour=blue", "--checksum-algorithm", "SHA256",
        )
    )  # fmt: skip
    assert put["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    head = json.loads(aws.out("s3api", "head-object", "--bucket", bucket, "--key", "k", "--checksum-mode", "ENABLED"))
    assert (head["ContentLength"], head["Metadata"]) == (70_000, {"colour": "blue"})
    assert head["ChecksumSHA256"] == put["ChecksumSHA256"]
    aws.run("s3api", "copy-object", "--bucket", bucket, "--key", "copy", "--copy-source", f"{bucket}/k")
    aws.run(
        "s3api", "get-object", "--bucket", bucket, "--key", "copy", "--range", "bytes=65000-66999", tmp_path / "part"
    )
    assert (tmp_path / "part").read_bytes() == body[65_000:67_000]


def test_what_is_not_set_is_answered_as_unset(aws: Client, bucket: str) -> None:
    aws.run("s3api", "put-object", "--bucket", bucket, "--key", "k")
    tags = json.loads(aws.out("s3api", "get-object-tagging", "--bucket", bucket, "--key", "k"))
    assert tags["TagSet"] == []
    policy = aws.run("s3api", "get-bucket-policy", "--bucket", bucket, expect=None)
    assert "NoSuchBucketPolicy" in policy.stderr
    missing = aws.run("s3api", "get-bucket-website", "--bucket", bucket, expect=None)
    assert "NotImplemented" in missing.stderr or "NoSuchWebsiteConfiguration" in missing.stderr


def test_s3api_locks_shows_and_frees(aws: Client, new_name: Callable[[str], str], tmp_path: Path) -> None:
    bucket, body = new_name("locked"), tmp_path / "body"
    body.write_text("to be kept")

    def api(command: str, *options: str | Path, key: bool = True) -> Any:
        answer = aws.out("s3api", command, "--bucket", bucket, *(("--key", "k") if key else ()), *options)
        return json.loads(answer) if answer else {}

    def refused(command: str, *options: str) -> str:
        return aws.run("s3api", command, "--bucket", bucket, "--key", "k", *options, expect=None).stderr

    api("create-bucket", "--object-lock-enabled-for-bucket", key=False)
    rule = "ObjectLockEnabled=Enabled,Rule={DefaultRetention={Mode=GOVERNANCE,Days=1}}"
    api("put-object-lock-configuration", "--object-lock-configuration", rule, key=False)
    shown = api("get-object-lock-configuration", key=False)["ObjectLockConfiguration"]
    assert shown["Rule"]["DefaultRetention"] == {"Mode": "GOVERNANCE", "Days": 1}
    lock = (
        "--object-lock-mode", "GOVERNANCE", "--object-lock-retain-until-date", "2999-01-01",
        "--object-lock-legal-hold-status", "ON",
    )  # fmt: skip
    version = ("--version-id", api("put-object", "--body", body, *lock)["VersionId"])
    head = api("head-object", *version)
    assert (head["ObjectLockMode"], head["ObjectLockLegalHoldStatus"]) == ("GOVERNANCE", "ON")
    assert head["ObjectLockRetainUntilDate"].startswith("2999-01-01T00:00:00")
    api("put-object-retention", "--retention", "Mode=GOVERNANCE,RetainUntilDate=2999-06-01T00:00:00Z")
    assert api("get-object-retention")["Retention"]["RetainUntilDate"].startswith("2999-06-01T00:00:00")
    assert "AccessDenied" in refused("delete-object", *version, "--bypass-governance-retention")
    api("put-object-legal-hold", "--legal-hold", "Status=OFF")
    assert api("get-object-legal-hold")["LegalHold"] == {"Status": "OFF"}
    assert "AccessDenied" in refused("delete-object", *version)
    assert "AccessDenied" in refused("put-object-retention", "--retention", "{}")
    api("put-object-retention", "--retention", "{}", "--bypass-governance-retention")
    assert "NoSuchObjectLockConfiguration" in refused("get-object-retention")
    api("delete-object", *version)
    aws.run("s3", "rb", f"s3://{bucket}")
