"""The reserve: how often the disk is asked, and what is counted in between."""

from __future__ import annotations

import errno

import pytest

from undercroft import limits
from undercroft.blobs.contract import BlobIOError, NoSpace
from undercroft.blobs.local.space import SpaceReserve


@pytest.fixture
def now_s():
    return [50.0]


@pytest.fixture
def reserve(disk, now_s):
    return SpaceReserve("/", disk=disk, reserve_bytes=1000, monotonic=lambda: now_s[0])


def test_our_own_writes_count_between_two_looks(reserve, disk):
    disk.free = 3000
    reserve.require(2000)
    with pytest.raises(NoSpace):
        reserve.require(1)
    assert disk.count("free_bytes") == 1


def test_what_does_not_fit_is_not_counted(reserve, disk):
    disk.free = 3000
    with pytest.raises(NoSpace):
        reserve.require(2001)
    reserve.require(2000)


def test_a_look_serves_for_its_time_and_no_longer(reserve, disk, now_s):
    disk.free = 3000
    assert not reserve.is_fresh
    reserve.require(0)
    now_s[0] += limits.DISK_SPACE_TRUSTED_S * 0.99
    assert reserve.is_fresh
    now_s[0] += limits.DISK_SPACE_TRUSTED_S * 0.02
    assert not reserve.is_fresh
    disk.free = 0
    with pytest.raises(NoSpace):
        reserve.require(0)


@pytest.mark.parametrize(("before_last", "fresh"), [(-1, True), (0, False), (1, False)])
def test_a_look_serves_for_so_many_bytes_and_no_more(reserve, disk, before_last, fresh):
    disk.free = 1 << 40
    reserve.require(limits.DISK_SPACE_TRUSTED_BYTES + before_last)
    assert reserve.is_fresh is fresh


def test_a_disk_that_gives_room_back_is_noticed(reserve, disk, now_s):
    disk.free = 999
    with pytest.raises(NoSpace):
        reserve.require(0)
    disk.free = 1000
    now_s[0] += limits.DISK_SPACE_TRUSTED_S
    reserve.require(0)


def test_a_disk_that_does_not_answer_is_an_error(reserve, disk):
    disk.fail("free_bytes", errno.EIO)
    with pytest.raises(BlobIOError):
        reserve.require(0)
    reserve.require(0)
