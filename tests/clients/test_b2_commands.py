"""Every command of the official `b2` command line, in each of the versions that it installs; `-s` shows what they print.

A command is counted as run when it has succeeded, and one test compares what the others declare with what the program itself
offers, so that a command of a new release is noticed.
"""

from __future__ import annotations

import hashlib
import json
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from harness.b2_line import VERSIONS, B2Line, ForkServer, commands
from harness.clients import Client
from harness.processes import wait_until
from harness.server import Server
from harness.trees import digests, make_tree, random_bytes

MONTH_S = 30 * 86_400


def status_of(url: str) -> int:
    """How the server answers a GET without an account."""
    try:
        with urllib.request.urlopen(url) as answer:
            return int(answer.status)
    except HTTPError as error:
        error.close()
        return error.code


@pytest.fixture
def note(line: B2Line, bucket: str, tmp_path: Path) -> Any:
    """What the client says of a small file `folder/a b.txt`, which holds `noted`."""
    (tmp_path / "note.txt").write_text("noted")
    return line.shows("file upload", "--quiet", bucket, tmp_path / "note.txt", "folder/a b.txt")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_command_that_the_program_offers_is_run_by_a_test(
    version: str, b2_versions: Callable[[str], ForkServer]
) -> None:
    run = set().union(*(test.commands for test in list(globals().values()) if hasattr(test, "commands")))
    assert b2_versions(version).offers() - run == {"license"}  # It wants packages that the program does not bring.


@pytest.mark.parametrize("version", VERSIONS)
def test_the_installed_program_says_its_version(version: str, home: Path) -> None:
    assert (
        Client(version, home, {"PYTHONWARNINGS": "ignore"}).out("version").startswith("b2 command line tool, version")
    )


@commands("version", "install-autocomplete")
def test_the_program_tells_of_itself(line: B2Line) -> None:
    assert line.says("version", "--short").count(".") == 2
    assert "successfully installed" in line.says("install-autocomplete", "--shell", "bash")


@commands(
    "account authorize", "authorize-account", "account get", "get-account-info", "account clear", "clear-account"
)  # fmt: skip
def test_accounts(line: B2Line, server: Server) -> None:
    key = (server.key_id, server.application_key)
    for clear, authorize, get in [
        ("account clear", "account authorize", "account get"),
        ("clear-account", "authorize-account", "get-account-info"),
    ]:
        line.says(clear)
        shown = line.shows(authorize, "--environment", server.api_url, *key)
        assert shown == line.shows(get)
        assert (shown["accountId"], shown["applicationKeyId"]) == (server.account_id, server.key_id)
        assert shown["apiUrl"] == shown["downloadUrl"] == server.api_url
        assert {"readFiles", "writeFiles", "writeKeys"} <= set(shown["allowed"]["capabilities"])
    refused = line.refuses("account authorize", "--environment", server.api_url, server.key_id, "K000wrong")
    assert "unable to authorize account" in refused


@commands(
    "bucket create", "create-bucket", "bucket list", "list-buckets", "bucket get", "get-bucket", "bucket update",
    "update-bucket", "bucket delete", "delete-bucket", "bucket get-download-auth", "get-download-auth",
)  # fmt: skip
def test_buckets(line: B2Line, server: Server, new_name: Callable[[str], str]) -> None:
    rule = {"daysFromHidingToDeleting": 3, "daysFromUploadingToHiding": None, "fileNamePrefix": "logs/"}
    cors = {
        "corsRuleName": "everywhere", "allowedOrigins": ["https"], "allowedOperations": ["b2_download_file_by_name"],
        "allowedHeaders": None, "exposeHeaders": ["x-bz-content-sha1"], "maxAgeSeconds": 600,
    }  # fmt: skip
    for create, names, get, update, grant, delete in [
        ("bucket create", "bucket list", "bucket get", "bucket update", "bucket get-download-auth", "bucket delete"),
        ("create-bucket", "list-buckets", "get-bucket", "update-bucket", "get-download-auth", "delete-bucket"),
    ]:
        name = new_name("command")
        made = line.says(create, "--bucket-info", '{"colour": "blue"}', name, "allPrivate").strip()
        assert f"{made}  allPrivate  {name}\n" in line.says(names)
        assert name in [bucket["bucketName"] for bucket in line.shows(names, "--json")]
        assert "already in use" in line.refuses(create, name, "allPrivate")
        line.says(update, "--lifecycle-rule", json.dumps(rule), "--cors-rules", json.dumps([cors]), name, "allPublic")
        shown = line.shows(get, name)
        assert (shown["bucketType"], shown["bucketInfo"], shown["revision"]) == ("allPublic", {"colour": "blue"}, 3)
        assert [kept["fileNamePrefix"] for kept in shown["lifecycleRules"]] == ["logs/"]
        assert [kept["corsRuleName"] for kept in shown["corsRules"]] == ["everywhere"]
        sized = line.shows(get, "--show-size", name)
        assert (sized["fileCount"], sized["totalSize"]) == (0, 0)
        token = line.says(grant, "--prefix", "open/", "--duration", "60", name).strip()
        assert status_of(f"{server.api_url}/file/{name}/open/x?Authorization={token}") == 404
        line.says(delete, name)
        assert "not found" in line.refuses(get, name)


@commands("key create", "create-key", "key list", "list-keys", "key delete", "delete-key")
def test_keys(line: B2Line, bucket: str, new_name: Callable[[str], str]) -> None:
    for create, names, delete in [("key create", "key list", "key delete"), ("create-key", "list-keys", "delete-key")]:
        name = new_name("key")
        restrictions = ("--bucket", bucket, "--name-prefix", "in/", "--duration", "600")
        key_id, secret = line.says(create, *restrictions, name, "listFiles,readFiles").split()
        assert len(key_id) == 25
        assert len(secret) == 31
        listed = next(row for row in line.says(names, "--long").splitlines() if row.startswith(key_id))
        assert f" {name} " in listed
        assert f" {bucket} " in listed
        assert "'in/'" in listed
        assert "listFiles,readFiles" in listed
        assert line.says(delete, key_id).strip() == key_id
        assert key_id not in line.says(names)


@commands("file upload", "upload-file", "upload-unbound-stream")
def test_uploads(line: B2Line, bucket: str, tmp_path: Path) -> None:
    source = tmp_path / "source.bin"
    source.write_bytes(random_bytes(70_000))
    described = (
        "--info", "colour=blue", "--content-type", "x/y", "--cache-control", "max-age=60",
        "--content-disposition", "attachment", "--content-language", "de", "--expires", "Thu, 01 Dec 2050 16:00:00 GMT",
        "--custom-upload-timestamp", "1300000000000", "--sha1", hashlib.sha1(source.read_bytes()).hexdigest(),
    )  # fmt: skip
    for command in ("file upload", "upload-file"):
        uploaded = line.shows(command, "--quiet", *described, bucket, source, "up/loaded")
        info = line.shows("file info", f"b2id://{uploaded['fileId']}")
        assert (info["size"], info["contentType"], info["uploadTimestamp"]) == (70_000, "x/y", 1_300_000_000_000)
        assert info["contentSha1"] == described[-1]
        assert info["fileInfo"] | {
            "colour": "blue", "b2-cache-control": "max-age=60", "b2-content-disposition": "attachment",
            "b2-content-language": "de", "b2-expires": "Thu, 01 Dec 2050 16:00:00 GMT",
        } == info["fileInfo"]  # fmt: skip
        wrong = (*described[:-1], "0" * 40)
        assert "Checksum did not match" in line.refuses(command, "--no-progress", *wrong, bucket, source, "up/wrong")
    line.says("upload-unbound-stream", "--no-progress", bucket, "-", "streamed", stdin="from a pipe")
    line.says("file upload", "--no-progress", bucket, "-", "also/streamed", stdin="from a pipe")
    assert line.says("file cat", f"b2://{bucket}/streamed") == line.says("file cat", f"b2://{bucket}/also/streamed")
    assert line.says("ls", *line.place(bucket)).split() == ["also/", "streamed", "up/"]


@commands(
    "file info", "file-info", "get-file-info", "file url", "get-url", "make-url", "make-friendly-url",
    "get-download-url-with-auth",
)  # fmt: skip
def test_what_is_known_of_a_file_and_its_urls(line: B2Line, server: Server, bucket: str, note: Any) -> None:
    by_name, by_id = f"b2://{bucket}/folder/a b.txt", f"b2id://{note['fileId']}"
    assert line.shows("file info", by_id) == line.shows("get-file-info", note["fileId"])
    assert line.shows("file info", by_name) == line.shows("file-info", by_name)
    assert (note["fileName"], note["size"], note["action"]) == ("folder/a b.txt", 5, "upload")
    friendly = f"{server.api_url}/file/{bucket}/folder/a%20b.txt"
    assert line.says("file url", by_name).strip() == line.says("get-url", by_name).strip() == friendly
    assert line.says("make-friendly-url", bucket, "folder/a b.txt").strip() == friendly
    assert line.says("make-url", note["fileId"]) == line.says("file url", by_id)
    assert status_of(friendly) == status_of(line.says("make-url", note["fileId"]).strip()) == 401
    for url in (
        line.says("file url", "--with-auth", "--duration", 60, by_name),
        line.says("get-download-url-with-auth", "--duration", 60, bucket, "folder/a b.txt"),
    ):
        assert status_of(url.strip()) == 200


@commands("file cat", "cat", "file download", "download-file", "download-file-by-id", "download-file-by-name")
def test_downloads(line: B2Line, bucket: str, note: Any, home: Path) -> None:
    by_name, by_id = f"b2://{bucket}/folder/a b.txt", f"b2id://{note['fileId']}"
    for command in ("file cat", "cat"):
        assert line.says(command, by_name) == line.says(command, by_id) == "noted"
    for command, what in [
        ("file download", (by_name,)),
        ("file download", (by_id,)),
        ("download-file", (by_name,)),
        ("download-file-by-id", (note["fileId"],)),
        ("download-file-by-name", (bucket, "folder/a b.txt")),
    ]:
        assert "Download finished" in line.says(command, "--no-progress", *what, "down.txt")
        assert (home / "down.txt").read_text() == "noted"
        (home / "down.txt").unlink()
    assert "not present" in line.refuses("file cat", f"b2://{bucket}/never").lower()


@commands("file server-side-copy", "file copy-by-id", "copy-file-by-id")
def test_copies(line: B2Line, bucket: str, note: Any) -> None:
    here = f"b2://{bucket}"
    copied = line.shows("file server-side-copy", f"{here}/folder/a b.txt", f"{here}/whole")
    assert (copied["action"], copied["contentSha1"]) == ("copy", note["contentSha1"])
    for command in ("file copy-by-id", "copy-file-by-id"):
        ranged = ("--range", "1,3", "--content-type", "x/y", "--info", "kind=piece")
        copied = line.shows(command, *ranged, note["fileId"], bucket, "piece")
        assert (copied["contentType"], copied["fileInfo"]) == ("x/y", {"kind": "piece"})
        assert line.says("file cat", f"{here}/piece") == "ote"


@commands("file hide", "hide-file", "file unhide", "ls", "rm", "delete-file-version")
def test_listing_hiding_and_removing(line: B2Line, bucket: str, note: Any, tmp_path: Path) -> None:
    def listed(*arguments: object) -> list[tuple[str, str]]:
        return [(row["fileName"], row["action"]) for row in line.shows("ls", "--json", *arguments)]

    name = "folder/a b.txt"
    line.says("file upload", "--no-progress", bucket, tmp_path / "note.txt", "top")
    assert line.says("ls", *line.place(bucket)) == "folder/\ntop\n"
    assert line.says("ls", "--long", *line.place(bucket, "folder")).split()[:2] == [note["fileId"], "upload"]
    assert line.shows("file hide", f"b2://{bucket}/{name}")["action"] == "hide"
    assert listed("--recursive", *line.place(bucket)) == [("top", "upload")]
    assert listed("--recursive", "--versions", *line.place(bucket, "folder")) == [(name, "hide"), (name, "upload")]
    line.says("file unhide", f"b2://{bucket}/{name}")
    marker = line.shows("hide-file", bucket, name)
    line.says("delete-file-version", name, marker["fileId"])
    assert listed("--recursive", *line.place(bucket)) == [(name, "upload"), ("top", "upload")]
    assert listed("--recursive", "--with-wildcard", *line.place(bucket, "*.txt")) == [(name, "upload")]
    assert line.says("rm", "--dry-run", "--recursive", "--versions", *line.place(bucket)) == f"{name}\ntop\n"
    line.says("rm", "--recursive", "--versions", "--no-progress", *line.place(bucket))
    assert listed("--recursive", "--versions", *line.place(bucket)) == []
    assert bucket in line.says("ls")


@commands(
    "file large parts", "list-parts", "file large unfinished list", "list-unfinished-large-files",
    "file large unfinished cancel", "cancel-large-file", "cancel-all-unfinished-large-files",
)  # fmt: skip
def test_unfinished_large_files(line: B2Line, b2sdk: Any, bucket: str) -> None:
    bucket_id = b2sdk.get_bucket_by_name(bucket).id_

    def start(name: str) -> str:
        return str(b2sdk.session.start_large_file(bucket_id, name, "x/y", {"colour": "blue"})["fileId"])

    with_part = start("large/one")
    url = b2sdk.session.get_upload_part_url(with_part)
    digest = hashlib.sha1(b"part").hexdigest()
    headers = {"Authorization": url["authorizationToken"], "X-Bz-Part-Number": "1", "X-Bz-Content-Sha1": digest}
    urllib.request.urlopen(urllib.request.Request(url["uploadUrl"], b"part", headers)).close()
    assert line.says("file large parts", f"b2id://{with_part}") == line.says("list-parts", with_part)
    assert line.says("list-parts", with_part).split() == ["1", "4", digest]
    expected = f"{with_part} large/one x/y colour=blue\n"
    assert line.says("file large unfinished list", f"b2://{bucket}") == expected
    assert line.says("list-unfinished-large-files", bucket) == expected
    assert line.says("cancel-large-file", with_part) == f"{with_part} canceled\n"
    again = [start("large/two"), start("large/three")]
    assert line.says("file large unfinished cancel", f"b2id://{again[0]}") == f"{again[0]} canceled\n"
    assert line.says("file large unfinished cancel", f"b2://{bucket}") == f"{again[1]} canceled\n"
    last = start("large/four")
    assert line.says("cancel-all-unfinished-large-files", bucket) == f"{last} canceled\n"
    assert line.says("list-unfinished-large-files", bucket) == ""


@commands("sync")
def test_sync_up_across_and_down(line: B2Line, bucket: str, tmp_path: Path, home: Path) -> None:
    expected = make_tree(tmp_path / "tree")
    assert "upload plain.txt" in line.says("sync", "--no-progress", tmp_path / "tree", f"b2://{bucket}/one")
    assert line.says("sync", "--no-progress", tmp_path / "tree", f"b2://{bucket}/one") == ""
    line.says("sync", "--no-progress", f"b2://{bucket}/one", f"b2://{bucket}/two")
    line.says("sync", "--no-progress", "--delete", f"b2://{bucket}/two", home / "back")
    assert digests(home / "back") == expected


@commands("file update", "update-file-legal-hold", "update-file-retention")
def test_locks(line: B2Line, server: Server, new_name: Callable[[str], str], tmp_path: Path) -> None:
    bucket = new_name("locked")
    line.says("bucket create", "--file-lock-enabled", bucket, "allPrivate")
    line.says("bucket update", "--default-retention-mode", "governance", "--default-retention-period", "7 days", bucket)
    (tmp_path / "note.txt").write_text("noted")
    line.says("file upload", "--no-progress", bucket, tmp_path / "note.txt", "note.txt")
    file, until = f"b2://{bucket}/note.txt", int(time.time()) + MONTH_S
    note = line.shows("file info", file)
    assert note["fileRetention"]["mode"] == "governance"
    line.says("file update", "--legal-hold", "on", "--file-retention-mode", "governance", "--retain-until", until, file)
    assert line.shows("file info", file)["legalHold"] == "on"
    line.says("update-file-legal-hold", "note.txt", note["fileId"], "off")
    assert "Access Denied" in line.refuses("delete-file-version", "note.txt", note["fileId"])
    line.says("update-file-retention", "--bypass-governance", "note.txt", note["fileId"], "none")
    assert line.shows("file info", file)["fileRetention"]["mode"] is None
    line.says("delete-file-version", "note.txt", note["fileId"])
    line.says("bucket delete", bucket)


def test_files_and_buckets_can_be_encrypted(line: B2Line, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("noted")
    asked = ("--destination-server-side-encryption", "SSE-B2")
    line.says("file upload", "--no-progress", *asked, bucket, tmp_path / "note.txt", "note.txt")
    line.says("bucket update", "--default-server-side-encryption", "SSE-B2", bucket)
    assert line.shows("bucket get", bucket)["defaultServerSideEncryption"]["mode"] == "SSE-B2"


def is_replicated(line: B2Line, join: str, source: str) -> bool:
    """Whether the command says so of the one file, which it finds on both sides."""
    shown = line.shows(f"replication{join}status", "--output-format", "json", "--no-progress", source)
    [result] = shown["to-the-other"]
    assert result["count"] == 1
    statuses = (result["source_replication_status"], result["destination_replication_status"])
    assert statuses[0] in {"PENDING", "COMPLETED"}
    if statuses != ("COMPLETED", "REPLICA"):
        return False
    assert (result["metadata_differs"], result["hash_differs"]) == (False, False)
    return True


@commands(*(
    f"{group}{name}"
    for group in ("replication ", "replication-")
    for name in ("setup", "status", "pause", "unpause", "delete")
))  # fmt: skip
def test_replication(line: B2Line, make_bucket: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("noted")
    for join in (" ", "-"):
        source, target = make_bucket(), make_bucket()
        line.says(f"replication{join}setup", "--name", "to-the-other", source, target)
        line.says("file upload", "--no-progress", source, tmp_path / "note.txt", "note.txt")
        wait_until(lambda join=join, source=source: is_replicated(line, join, source), "it is not replicated", 60.0)
        for verb, enabled in (("pause", False), ("unpause", True)):
            line.says(f"replication{join}{verb}", source, "to-the-other")
            rules = line.shows("bucket get", source)["replication"]["asReplicationSource"]["replicationRules"]
            assert [rule["isEnabled"] for rule in rules] == [enabled]
        line.says(f"replication{join}delete", source, "to-the-other")


@commands(*(
    f"{group} {name}"
    for group in ("bucket notification-rule", "notification-rules")
    for name in ("list", "create", "update", "enable", "disable", "delete")
))  # fmt: skip
def test_notification_rules(line: B2Line, bucket: str) -> None:
    place = f"b2://{bucket}"
    for group in ("bucket notification-rule", "notification-rules"):
        asked = ("--event-type", "b2:ObjectCreated:*", "--webhook-url", "https://example.com/hook")
        assert line.shows(f"{group} create", "--json", *asked, place, "the-rule")["isEnabled"] is True
        assert line.shows(f"{group} update", "--json", "--event-type", "b2:ObjectDeleted:*", place, "the-rule")
        assert line.shows(f"{group} disable", "--json", place, "the-rule")["isEnabled"] is False
        assert line.shows(f"{group} enable", "--json", place, "the-rule")["isEnabled"] is True
        assert [rule["name"] for rule in line.shows(f"{group} list", "--json", place)] == ["the-rule"]
        line.says(f"{group} delete", place, "the-rule")


@pytest.mark.parametrize("line", ["b2v3"], indirect=True)
def test_the_third_version_takes_its_options_in_camel_case(line: B2Line, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("noted")
    line.says("upload-file", "--noProgress", "--contentType", "x/y", bucket, tmp_path / "note.txt", "note.txt")
    assert line.says("ls", "--recursive", "--withWildcard", bucket, "*.txt") == "note.txt\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_variables_alone_authorize(
    version: str, b2_versions: Callable[[str], ForkServer], server: Server, bucket: str, home: Path
) -> None:
    assert bucket in B2Line(b2_versions(version), server, home).says("bucket list")
