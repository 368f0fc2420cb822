"""s5cmd: thousands of small files with many connections at once."""

from __future__ import annotations

from pathlib import Path

from harness.clients import Client
from harness.trees import digests, random_bytes

FILES = 2000


def test_two_thousand_files_go_up_come_down_and_are_the_same(s5cmd: Client, bucket: str, tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    for number in range(FILES):
        path = tree / f"folder{number % 20:02d}" / f"file-{number:04d}.bin"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(random_bytes(number * 7 % 5000, seed=number))
    s5cmd.run("cp", f"{tree}/", f"s3://{bucket}/tree/")
    assert len(s5cmd.out("ls", f"s3://{bucket}/tree/*").splitlines()) == FILES
    s5cmd.run("cp", f"s3://{bucket}/tree/*", f"{tmp_path}/back/")
    assert digests(tmp_path / "back") == digests(tree)
    s5cmd.run("rm", f"s3://{bucket}/tree/*")
    assert "no object found" in s5cmd.run("ls", f"s3://{bucket}/*", expect=None).stderr


def test_large_files_and_server_side_copies(s5cmd: Client, bucket: str, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(random_bytes(12_000_000))
    s5cmd.run("cp", "--part-size", "5", tmp_path / "large", f"s3://{bucket}/large")
    s5cmd.run("cp", f"s3://{bucket}/large", f"s3://{bucket}/copy")
    s5cmd.run("cp", f"s3://{bucket}/copy", tmp_path / "back")
    assert digests(tmp_path)["back"] == digests(tmp_path)["large"]
