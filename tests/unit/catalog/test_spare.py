"""The spare file: real room, given up once and taken back when there is room again."""

from __future__ import annotations

import errno
import os

import pytest

from undercroft.catalog.spare import Spare

SIZE = 1 << 20


def test_the_room_is_really_taken_and_really_given_back(tmp_path):
    path = tmp_path / "spare"
    spare = Spare(path, SIZE)
    spare.keep()
    assert path.stat().st_blocks * 512 >= SIZE
    assert path.stat().st_mode & 0o777 == 0o600
    assert spare.give_up()
    assert not path.exists()
    assert not spare.give_up(), "there is nothing left to give"
    spare.keep()
    assert path.stat().st_size == SIZE


def test_what_another_process_gave_up_cannot_be_given_up_again(tmp_path):
    ours, theirs = (Spare(tmp_path / "spare", SIZE) for _ in range(2))
    ours.keep()
    theirs.keep()
    assert theirs.give_up()
    assert not ours.give_up()


def test_a_disk_without_room_for_it_has_no_spare(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "full")

    spare = Spare(tmp_path / "spare", SIZE)
    monkeypatch.setattr(os, "posix_fallocate", full)
    spare.keep()
    assert list(tmp_path.iterdir()) == []
    assert not spare.give_up()


def test_a_disk_that_takes_no_more_files_has_no_spare(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.EDQUOT, "no more inodes")

    spare = Spare(tmp_path / "spare", SIZE)
    monkeypatch.setattr(os, "open", full)
    spare.keep()
    monkeypatch.undo()
    assert not spare.give_up()
    spare.keep()
    assert spare.give_up()


def test_another_error_is_not_taken_for_a_full_disk(tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "posix_fallocate", broken)
    with pytest.raises(OSError, match="broken"):
        Spare(tmp_path / "spare", SIZE).keep()
