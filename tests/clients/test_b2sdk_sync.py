"""b2sdk's sync: every way to compare, to treat newer files, and to keep what the source has no more."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import pytest
from b2sdk.v3 import (
    CompareVersionMode,
    KeepOrDeleteMode,
    NewerFileSyncMode,
    Synchronizer,
    SyncReport,
    parse_folder,
)
from b2sdk.v3.exception import DestFileNewer

from harness.trees import digests, make_tree

DAY_S = 86_400


class Pair:
    """A local folder with the file `a`, and a folder of a bucket that was made the same by a sync."""

    def __init__(self, api: Any, bucket: str, folder: Path) -> None:
        self._api = api
        self.opened = api.get_bucket_by_name(bucket)
        self.local, self.remote = folder, f"b2://{bucket}/there"
        folder.mkdir()
        self.write("a", "first", at=1_500_000_000)
        assert self.up() == ["upload a"]

    def write(self, name: str, text: str, *, at: int) -> None:
        """Writes a local file, last modified at a time in seconds."""
        (self.local / name).write_text(text)
        os.utime(self.local / name, (at, at))

    def up(self, *, days_later: int = 0, **settings: Any) -> list[str]:
        """Syncs up, and gives back the lines that it printed."""
        return self.sync(self.local, self.remote, days_later=days_later, **settings)

    def sync(self, source: object, target: object, *, days_later: int = 0, **settings: Any) -> list[str]:
        """Syncs as the command line does, at a time in the future if asked to."""
        said = io.StringIO()
        with SyncReport(said, no_progress=True) as report:
            Synchronizer(4, **settings).sync_folders(
                source_folder=parse_folder(str(source), self._api),
                dest_folder=parse_folder(str(target), self._api),
                now_millis=int((time.time() + days_later * DAY_S) * 1000),
                reporter=report,
            )
        return sorted(" ".join(line.split()) for line in said.getvalue().splitlines())

    def versions(self) -> list[tuple[str, str]]:
        """Name and action of every version that is stored."""
        found = self.opened.ls("there", latest_only=False, recursive=True)
        return [(version.file_name.removeprefix("there/"), version.action) for version, _ in found]


@pytest.fixture
def pair(b2sdk: Any, bucket: str, tmp_path: Path) -> Pair:
    """A local folder and its copy in a bucket."""
    return Pair(b2sdk, bucket, tmp_path / "here")


@pytest.mark.parametrize(
    ("mode", "by_time", "by_size"),
    [
        (CompareVersionMode.MODTIME, ["upload a"], []),
        (CompareVersionMode.SIZE, [], ["upload a"]),
        (CompareVersionMode.NONE, [], []),
    ],
)
def test_files_are_compared_by_time_by_size_or_not_at_all(
    pair: Pair, mode: CompareVersionMode, by_time: list[str], by_size: list[str]
) -> None:
    pair.write("a", "other", at=1_500_000_001)
    assert pair.up(compare_version_mode=mode) == by_time
    pair.write("a", "longer than it was", at=1_500_000_000 + bool(by_time))
    assert pair.up(compare_version_mode=mode) == by_size


def test_a_difference_within_the_threshold_is_none(pair: Pair) -> None:
    pair.write("a", "later", at=1_500_000_001)
    assert pair.up(compare_threshold=1000) == []
    assert pair.up(compare_threshold=999) == ["upload a"]


def test_a_newer_file_at_the_target_is_an_error_or_skipped_or_replaced(pair: Pair) -> None:
    pair.write("a", "older", at=1_400_000_000)
    with pytest.raises(DestFileNewer):
        pair.up()
    assert pair.up(newer_file_mode=NewerFileSyncMode.SKIP) == []
    assert pair.up(newer_file_mode=NewerFileSyncMode.REPLACE) == ["upload a"]
    assert pair.versions() == [("a", "upload"), ("a", "upload")]


def test_what_the_source_has_no_more_is_kept_deleted_or_hidden_and_deleted_later(pair: Pair) -> None:
    (pair.local / "a").rename(pair.local / "b")
    assert pair.up() == ["upload b"]
    assert pair.versions() == [("a", "upload"), ("b", "upload")]
    keep = {"keep_days_or_delete": KeepOrDeleteMode.KEEP_BEFORE_DELETE, "keep_days": 2}
    assert pair.up(**keep) == ["hide a"]
    assert pair.versions() == [("a", "hide"), ("a", "upload"), ("b", "upload")]
    assert pair.up(days_later=1, **keep) == []
    assert len(pair.up(days_later=4, **keep)) == 2
    assert pair.versions() == [("b", "upload")]
    (pair.local / "b").rename(pair.local / "c")
    assert pair.up(keep_days_or_delete=KeepOrDeleteMode.DELETE) == ["delete b", "upload c"]
    assert pair.versions() == [("c", "upload")]


def test_a_dry_run_changes_nothing(pair: Pair) -> None:
    pair.write("b", "new", at=1_500_000_000)
    assert pair.up(dry_run=True) == ["upload b"]
    assert pair.versions() == [("a", "upload")]


def test_folders_of_a_bucket_are_synced_with_each_other_and_down(pair: Pair, tmp_path: Path) -> None:
    make_tree(pair.local)
    pair.up()
    other = pair.remote.replace("there", "elsewhere")
    assert "copy deep/er/file.bin" in pair.sync(pair.remote, other)
    assert pair.sync(pair.remote, other) == []
    (tmp_path / "back").mkdir()
    pair.sync(other, tmp_path / "back")
    assert digests(tmp_path / "back") == digests(pair.local)
