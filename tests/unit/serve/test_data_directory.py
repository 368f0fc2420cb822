"""The data directory and its lock."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from undercroft import limits
from undercroft.serve import data_directory
from undercroft.serve.exits import StartError
from undercroft.settings import Settings, load


@pytest.fixture(autouse=True)
def _impatient(monkeypatch):
    monkeypatch.setattr(limits, "DATA_LOCK_WAIT_S", 0.1)


def test_the_directory_is_made_for_its_owner_alone(tmp_path):
    data_directory.create(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700


def test_p1_the_names_that_lead_to_a_new_directory_are_synced_before_anything_is_kept_in_it(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(Path(f"/proc/self/fd/{fd}").readlink()))
    data_directory.create(tmp_path / "a" / "b")
    assert synced[:2] == [tmp_path / "a", tmp_path]
    synced.clear()
    data_directory.create(tmp_path / "a" / "b")
    assert synced[:2] == [tmp_path / "a", tmp_path], "the start before may have got no further than this"
    (tmp_path / "a" / "b" / "server.lock").touch()
    synced.clear()
    data_directory.create(tmp_path / "a" / "b")
    assert not synced


@pytest.mark.parametrize("number", [errno.EACCES, errno.EINVAL, errno.EROFS])
def test_a_directory_above_that_cannot_have_changed_need_not_be_synced(tmp_path, monkeypatch, number):
    def refuse(fd: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    data_directory.create(tmp_path / "a")
    assert (tmp_path / "a").is_dir()


def test_a_sync_that_fails_is_a_clear_error(tmp_path, monkeypatch):
    def fail(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StartError, match="cannot be synced: Input/output error"):
        data_directory.create(tmp_path / "a")


def test_a_directory_that_cannot_be_is_a_clear_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StartError, match="cannot be made"):
        data_directory.create(tmp_path / "file" / "data")


def settings_of(data: Path, **options: str) -> Settings:
    return load({"data": str(data), **options}, {})


def give_back(locks: list[int]) -> None:
    for held in locks:
        os.close(held)


def test_a_second_server_is_refused_and_told_who_has_it(tmp_path):
    held = data_directory.lock(settings_of(tmp_path))
    with pytest.raises(StartError, match=f"is being served already, by process {os.getpid()}$"):
        data_directory.lock(settings_of(tmp_path))
    give_back(held)
    give_back(data_directory.lock(settings_of(tmp_path)))


@pytest.mark.parametrize("option", ["catalog", "blobs"])
def test_a_server_that_is_refused_a_part_holds_nothing_of_the_rest(tmp_path, option):
    (tmp_path / "other").mkdir()
    url = {"catalog": f"sqlite://{tmp_path}/catalog.db", "blobs": f"local://{tmp_path}/blobs"}[option]
    held = data_directory.lock(settings_of(tmp_path))
    with pytest.raises(StartError, match=f"^--{option}: .* is being served already"):
        data_directory.lock(settings_of(tmp_path / "other", **{option: url}))
    give_back(data_directory.lock(settings_of(tmp_path / "other")))
    give_back(held)


def test_the_lock_ends_with_its_process_however_that_ends(tmp_path):
    program = (
        "import sys, os, signal; from undercroft.serve import data_directory; from undercroft.settings import Settings, load;"
        "data_directory.lock(load({'data': sys.argv[1]}, {})); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False).returncode == -9
    give_back(data_directory.lock(settings_of(tmp_path)))


def test_a_missing_directory_cannot_be_locked(tmp_path):
    with pytest.raises(StartError, match="cannot be opened"):
        data_directory.lock(settings_of(tmp_path / "missing"))


def test_addresses_are_read_back_and_may_be_missing_or_damaged(tmp_path):
    assert data_directory.read_addresses(tmp_path) is None
    settings = data_directory.bound(load({"data": str(tmp_path), "listen": "127.0.0.1:0"}, {}), 1234, 5678)
    data_directory.write_addresses(settings)
    served = data_directory.read_addresses(tmp_path)
    assert served is not None
    assert (served.listen, served.console_listen, served.scheme) == ("127.0.0.1:1234", "127.0.0.1:5678", "http")
    for damaged in (
        b"{",
        bytes(100),
        b'{"listen": "\xff"}',
    ):  # The file is not synced: after a power cut it may be anything.
        (tmp_path / "server.json").write_bytes(damaged)
        assert data_directory.read_addresses(tmp_path) is None


def test_p12_a_server_that_starts_where_it_was_needs_no_room_and_one_that_moved_says_so(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    settings = load({"data": str(tmp_path)}, {})
    data_directory.write_addresses(settings)
    monkeypatch.setattr(Path, "write_bytes", full)
    data_directory.write_addresses(settings)
    with pytest.raises(StartError, match="cannot be written: No space left on device"):
        data_directory.write_addresses(data_directory.bound(settings, 1234, 5678))


def test_the_lock_names_the_process_that_has_it_now_whatever_it_named_before(tmp_path):
    (tmp_path / "server.lock").write_text("12345678901234567890\n")
    held = data_directory.lock(settings_of(tmp_path))
    with pytest.raises(StartError, match=f"by process {os.getpid()}$"):
        data_directory.lock(settings_of(tmp_path))
    give_back(held)
