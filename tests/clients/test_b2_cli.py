"""The `b2` command line: authorize, buckets, files, folders both ways, large files, restricted keys."""

from __future__ import annotations

import hashlib
import json
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from harness.clients import Client, b2_client
from harness.server import Server
from harness.trees import digests, make_tree, random_bytes

LARGE_BYTES = 106_000_000  # Just above the recommended part size, so that the client makes a large file of it.


def authorized(server: Server, home: Path, key: tuple[str, str]) -> Client:
    """A second installation of the client, with another key."""
    home.mkdir(exist_ok=True)
    client = b2_client(server, home, key=key)
    client.run("account", "authorize", "--environment", server.api_url, *key)
    return client


def rows(client: Client, *arguments: object) -> list[tuple[str, str]]:
    """Name and action of what `b2 ls` lists."""
    return [(row["fileName"], row["action"]) for row in json.loads(client.out("ls", "--json", *arguments))]


def test_account_shows_what_the_key_may_do(b2: Client, server: Server) -> None:
    shown = json.loads(b2.out("account", "get"))
    assert shown["accountId"] == server.account_id
    assert shown["applicationKeyId"] == server.key_id
    assert {"readFiles", "writeFiles", "writeKeys"} <= set(shown["allowed"]["capabilities"])


def test_the_master_key_authorizes_and_a_wrong_key_does_not(server: Server, home: Path) -> None:
    authorized(server, home, (server.master_key_id, server.master_application_key))
    refused = b2_client(server, home).run(
        "account", "authorize", "--environment", server.api_url, server.key_id, "K000wrong", expect=None
    )
    assert "bad_auth_token" in refused.stderr or "unauthorized" in refused.stderr.lower()


def test_buckets_are_created_listed_updated_and_deleted(b2: Client, new_name: Callable[[str], str]) -> None:
    name = new_name("b2cli")
    bucket_id = b2.out("bucket", "create", "--bucket-info", '{"colour": "blue"}', name, "allPrivate").strip()
    assert len(bucket_id) == 24
    assert any(line.split() == [bucket_id, "allPrivate", name] for line in b2.out("bucket", "list").splitlines())
    rule = {"daysFromHidingToDeleting": 3, "daysFromUploadingToHiding": None, "fileNamePrefix": "logs/"}
    b2.run("bucket", "update", "--lifecycle-rule", json.dumps(rule), name, "allPublic")
    shown = json.loads(b2.out("bucket", "get", name))
    assert (shown["bucketType"], shown["bucketInfo"], shown["revision"]) == ("allPublic", {"colour": "blue"}, 3)
    assert [kept["fileNamePrefix"] for kept in shown["lifecycleRules"]] == ["logs/"]
    duplicate = b2.run("bucket", "create", name, "allPrivate", expect=None)
    assert "already in use" in duplicate.stderr
    b2.run("bucket", "delete", name)
    assert name not in b2.out("bucket", "list")


def test_a_file_goes_up_comes_down_and_has_its_sha1(b2: Client, bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(random_bytes(70_000))
    uploaded = b2.out("file", "upload", "--info", "colour=blue", "--no-progress", bucket, source, "folder/a b.bin")
    assert "URL by file name:" in uploaded
    info = json.loads(b2.out("file", "info", f"b2://{bucket}/folder/a b.bin"))
    assert info["contentSha1"] == hashlib.sha1(source.read_bytes()).hexdigest()
    assert info["fileInfo"]["colour"] == "blue"
    assert info["size"] == 70_000
    b2.run("file", "download", "--no-progress", f"b2://{bucket}/folder/a b.bin", tmp_path / "by-name")
    b2.run("file", "download", "--no-progress", f"b2id://{info['fileId']}", tmp_path / "by-id")
    assert (tmp_path / "by-name").read_bytes() == (tmp_path / "by-id").read_bytes() == source.read_bytes()


def test_hiding_versions_unhiding_and_removing(b2: Client, bucket: str, tmp_path: Path) -> None:
    for text in ("one", "two"):
        (tmp_path / "note").write_text(text)
        b2.run("file", "upload", "--no-progress", bucket, tmp_path / "note", "note")
    assert rows(b2, f"b2://{bucket}") == [("note", "upload")]
    b2.run("file", "hide", f"b2://{bucket}/note")
    assert rows(b2, f"b2://{bucket}") == []
    assert rows(b2, "--versions", f"b2://{bucket}") == [("note", "hide"), ("note", "upload"), ("note", "upload")]
    assert "not present" in b2.run("file", "cat", f"b2://{bucket}/note", expect=None).stderr.lower()
    b2.run("file", "unhide", f"b2://{bucket}/note")
    assert b2.out("file", "cat", f"b2://{bucket}/note") == "two"
    b2.run("rm", "--versions", "--no-progress", f"b2://{bucket}/note")
    assert rows(b2, "--versions", f"b2://{bucket}") == []


def test_folders_and_wildcards_are_listed(b2: Client, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text("x")
    for name in ("a.txt", "logs/1.txt", "logs/2.bin", "logs/deep/3.txt"):
        b2.run("file", "upload", "--no-progress", bucket, tmp_path / "x", name)
    assert b2.out("ls", f"b2://{bucket}").split() == ["a.txt", "logs/"]
    assert b2.out("ls", "-r", f"b2://{bucket}/logs").split() == ["logs/1.txt", "logs/2.bin", "logs/deep/3.txt"]
    assert b2.out("ls", "-r", "--with-wildcard", f"b2://{bucket}/**/*.txt").split() == ["logs/1.txt", "logs/deep/3.txt"]
    b2.run("rm", "-r", "--no-progress", f"b2://{bucket}/logs")
    assert b2.out("ls", "-r", f"b2://{bucket}").split() == ["a.txt"]


def test_sync_up_down_and_with_delete(b2: Client, bucket: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    expected = make_tree(tree)
    b2.run("sync", "--no-progress", tree, f"b2://{bucket}/backup")
    again = b2.out("sync", "--no-progress", tree, f"b2://{bucket}/backup")
    assert "upload" not in again
    b2.run("sync", "--no-progress", f"b2://{bucket}/backup", tmp_path / "back")
    assert digests(tmp_path / "back") == expected
    (tree / "plain.txt").unlink()
    b2.run("sync", "--no-progress", "--delete", tree, f"b2://{bucket}/backup")
    b2.run("sync", "--no-progress", "--delete", f"b2://{bucket}/backup", tmp_path / "back")
    assert digests(tmp_path / "back") == digests(tree)
    b2.run("sync", "--no-progress", f"b2://{bucket}/backup", f"b2://{bucket}/second")
    assert len(b2.out("ls", "-r", f"b2://{bucket}/second").split("\n")) == len(digests(tree)) + 1


def test_a_large_file_goes_up_in_parts_and_comes_down_the_same(b2: Client, bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "large.bin"
    source.write_bytes(random_bytes(LARGE_BYTES))
    b2.run(
        "file", "upload", "--no-progress", "--threads", "4", "--min-part-size", "5000000",
        bucket, source, "large.bin",
    )  # fmt: skip
    info = json.loads(b2.out("file", "info", f"b2://{bucket}/large.bin"))
    assert info["contentSha1"] in {"none", None}  # Only files in one piece have a SHA-1 of the whole.
    assert info["fileInfo"]["large_file_sha1"] == hashlib.sha1(source.read_bytes()).hexdigest()
    b2.run("file", "download", "--no-progress", f"b2://{bucket}/large.bin", tmp_path / "back.bin")
    assert digests(tmp_path)["back.bin"] == digests(tmp_path)["large.bin"]
    b2.run("file", "server-side-copy", f"b2://{bucket}/large.bin", f"b2://{bucket}/copy.bin")
    b2.run("file", "download", "--no-progress", f"b2://{bucket}/copy.bin", tmp_path / "copy.bin")
    assert digests(tmp_path)["copy.bin"] == digests(tmp_path)["large.bin"]
    assert b2.out("file", "large", "unfinished", "list", f"b2://{bucket}").strip() == ""


def test_a_restricted_key_is_refused_outside_its_bucket_prefix_and_capabilities(
    b2: Client, server: Server, make_bucket: Callable[[], str], new_name: Callable[[str], str], tmp_path: Path
) -> None:
    own, foreign = make_bucket(), make_bucket()
    (tmp_path / "x").write_text("x")
    for bucket, name in [(own, "inside/x"), (own, "outside/x"), (foreign, "inside/x")]:
        b2.run("file", "upload", "--no-progress", bucket, tmp_path / "x", name)
    capabilities = "listBuckets,listFiles,readFiles,writeFiles"
    made = b2.out("key", "create", "--bucket", own, "--name-prefix", "inside/", new_name("key"), capabilities)
    key_id, key = made.split()
    limited = authorized(server, tmp_path / "limited", (key_id, key))
    assert limited.out("file", "cat", f"b2://{own}/inside/x") == "x"
    limited.run("file", "upload", "--no-progress", own, tmp_path / "x", "inside/y")
    assert limited.out("ls", "-r", f"b2://{own}/inside/").split() == ["inside/x", "inside/y"]
    for arguments in [
        ("file", "cat", f"b2://{own}/outside/x"),
        ("file", "cat", f"b2://{foreign}/inside/x"),
        ("ls", "-r", f"b2://{own}"),
        ("file", "upload", "--no-progress", own, tmp_path / "x", "outside/y"),
        ("file", "upload", "--no-progress", foreign, tmp_path / "x", "inside/y"),
        ("rm", "--versions", "--no-progress", f"b2://{own}/inside/x"),
        ("bucket", "create", new_name("forbidden"), "allPrivate"),
        ("key", "list"),
    ]:
        limited.run(*arguments, expect=None)
    assert b2.out("ls", "-r", "--versions", f"b2://{own}").split() == ["inside/x", "inside/y", "outside/x"]
    b2.run("key", "delete", key_id)
    refused = limited.run("file", "cat", f"b2://{own}/inside/x", expect=None)
    assert "unauthorized" in refused.stderr


def test_keys_are_listed_with_their_restrictions(b2: Client, bucket: str, new_name: Callable[[str], str]) -> None:
    name = new_name("key")
    key_id, _ = b2.out("key", "create", "--duration", "600", "--bucket", bucket, name, "readFiles").split()
    listed = [line for line in b2.out("key", "list", "--long").splitlines() if key_id in line]
    assert len(listed) == 1
    assert name in listed[0]
    assert "readFiles" in listed[0]
    b2.run("key", "delete", key_id)
    assert key_id not in b2.out("key", "list")


def test_download_authorization_opens_a_prefix_and_a_public_bucket_everything(
    b2: Client, server: Server, bucket: str, tmp_path: Path
) -> None:
    (tmp_path / "x").write_text("shared")
    for name in ("open/x", "closed/x"):
        b2.run("file", "upload", "--no-progress", bucket, tmp_path / "x", name)

    def status(name: str, query: str = "") -> int:
        try:
            with urllib.request.urlopen(f"{server.api_url}/file/{bucket}/{name}{query}") as answer:
                return int(answer.status)
        except HTTPError as error:
            error.close()
            return error.code

    token = b2.out("bucket", "get-download-auth", "--prefix", "open/", "--duration", "60", bucket).strip()
    assert status("open/x") == 401
    assert status("open/x", f"?Authorization={token}") == 200
    assert status("closed/x", f"?Authorization={token}") == 401
    b2.run("bucket", "update", bucket, "allPublic")
    assert status("closed/x") == 200
    assert status("nothing/here") == 404


def test_an_unfinished_large_file_is_listed_and_cancelled(b2: Client, b2sdk: Any, bucket: str) -> None:
    bucket_id = b2sdk.get_bucket_by_name(bucket).id_
    started = b2sdk.session.start_large_file(bucket_id, "never/finished", "x/y", {})["fileId"]
    assert started in b2.out("file", "large", "unfinished", "list", f"b2://{bucket}")
    assert ("never/finished", "start") in rows(b2, "-r", "--versions", f"b2://{bucket}")
    b2.run("file", "large", "unfinished", "cancel", f"b2://{bucket}")
    assert started not in b2.out("file", "large", "unfinished", "list", f"b2://{bucket}")


@pytest.mark.parametrize("name", ["ünïcødé/日本 語.txt", "plus+and&equals=.txt", "100%.txt", "quote'\"s.txt"])
def test_names_of_all_scripts_survive(b2: Client, bucket: str, name: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_text(name)
    b2.run("file", "upload", "--no-progress", bucket, tmp_path / "x", name)
    assert rows(b2, "-r", f"b2://{bucket}") == [(name, "upload")]
    assert b2.out("file", "cat", f"b2://{bucket}/{name}") == name
