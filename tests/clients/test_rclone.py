"""rclone with its b2 and its s3 backend: copy, sync and check, each comparing checksums."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.clients import Client
from harness.trees import digests, make_tree, random_bytes

BACKENDS = ["b2", "s3"]


@pytest.mark.parametrize("backend", BACKENDS)
def test_copy_sync_and_check_agree_by_checksum(rclone: Client, bucket: str, backend: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    expected = make_tree(tree, files=20)
    remote = f"{backend}:{bucket}/tree"
    rclone.run("copy", tree, remote)
    rclone.run("check", "--checksum", tree, remote)
    rclone.run("check", "--download", tree, remote)
    (tree / "plain.txt").unlink()
    (tree / "with space.txt").write_text("changed")
    rclone.run("sync", "--checksum", tree, remote)
    rclone.run("check", "--checksum", tree, remote)
    rclone.run("sync", remote, tmp_path / "back")
    assert digests(tmp_path / "back") == digests(tree) != expected


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_file_in_chunks_keeps_bytes_time_and_hash(rclone: Client, bucket: str, backend: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(random_bytes(17_000_000))
    flags = (f"--{backend}-upload-cutoff", "5M", f"--{backend}-chunk-size", "5M")
    rclone.run("copyto", *flags, tmp_path / "large", f"{backend}:{bucket}/large")
    rclone.run("copyto", f"{backend}:{bucket}/large", tmp_path / "back")
    assert (tmp_path / "back").read_bytes() == (tmp_path / "large").read_bytes()
    assert abs((tmp_path / "back").stat().st_mtime - (tmp_path / "large").stat().st_mtime) < 0.01
    rclone.run("check", "--checksum", tmp_path, f"{backend}:{bucket}", "--include", "large")


@pytest.mark.parametrize("backend", BACKENDS)
def test_server_side_copy_move_and_purge(rclone: Client, bucket: str, backend: str, tmp_path: Path) -> None:
    make_tree(tmp_path / "tree", files=8)
    rclone.run("copy", tmp_path / "tree", f"{backend}:{bucket}/one")
    rclone.run("copy", f"{backend}:{bucket}/one", f"{backend}:{bucket}/two")
    rclone.run("move", f"{backend}:{bucket}/two", f"{backend}:{bucket}/three")
    rclone.run("check", "--checksum", tmp_path / "tree", f"{backend}:{bucket}/three")
    assert rclone.out("lsf", f"{backend}:{bucket}").split() == ["one/", "three/"]
    rclone.run("delete", f"{backend}:{bucket}/one")
    rclone.run("delete", f"{backend}:{bucket}/three")
    assert rclone.out("lsf", "-R", "--files-only", f"{backend}:{bucket}") == ""


def test_the_b2_backend_lists_old_versions_and_the_other_reads_what_it_wrote(
    rclone: Client, bucket: str, tmp_path: Path
) -> None:
    for text in ("first", "second"):
        (tmp_path / "note.txt").write_text(text)
        rclone.run("copy", "--ignore-times", tmp_path / "note.txt", f"b2:{bucket}")
    assert rclone.out("cat", f"s3:{bucket}/note.txt") == "second"
    versions = json.loads(rclone.out("lsjson", "--b2-versions", f"b2:{bucket}"))
    assert len(versions) == 2


@pytest.mark.parametrize("backend", BACKENDS)
def test_buckets_can_be_made_and_removed(rclone: Client, backend: str, new_name: object) -> None:
    name = new_name(f"rclone-{backend}")  # type: ignore[operator]
    rclone.run("mkdir", f"{backend}:{name}")
    assert f"{name}/" in rclone.out("lsf", f"{backend}:").split()
    rclone.run("rmdir", f"{backend}:{name}")
    assert f"{name}/" not in rclone.out("lsf", f"{backend}:").split()
