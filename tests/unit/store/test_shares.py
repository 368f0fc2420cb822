"""Share links: what they open, for whom, and what ends them."""

from __future__ import annotations

import asyncio

import pytest

from harness.asynchronous import asynchronous
from harness.customer_keys import KEY
from harness.stores import open_bench
from undercroft import limits
from undercroft.catalog import shares as rows_of_shares
from undercroft.store import errors
from undercroft.store.dialect import S3
from undercroft.store.model import NewFile


@asynchronous
async def test_a_link_opens_the_version_that_was_shared_also_when_a_newer_one_has_come(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name", b"1")
        share, token = await bench.store.shares.create(bench.principal, bench.bucket, version)
        await bench.put("name", b"2")
        opened = await bench.store.shares.open(token)
        assert (opened.version.file_id, opened.share.share_id) == (version.file_id, share.share_id)
        taken = await bench.store.shares.take(token)
        assert await bench.bytes_of(taken.version) == b"1"
        [listed], following = await bench.store.shares.of_bucket(bench.principal, bench.bucket, limit=10)
        assert (listed.visits, listed.downloads, listed.visited_ms, following) == (1, 1, bench.clock.ms, None)


@asynchronous
async def test_the_catalog_has_no_token_and_no_other_token_opens_anything(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name")
        share, token = await bench.store.shares.create(bench.principal, bench.bucket, version, password="a password")
        found = await rows_of_shares.of_bucket(bench.catalog.rows, bench.bucket.bucket_id, "", 10)
        assert token not in repr(found)
        assert "a password" not in repr(found)
        for other in ("", share.share_id, token[:-1], token + "A", token.swapcase(), str(version.file_id)):
            with pytest.raises(errors.NoSuchShare):
                await bench.store.shares.open(other)


@asynchronous
async def test_a_link_ends_with_its_time_its_downloads_its_file_its_key_and_at_once_when_it_is_revoked(tmp_path):
    async with open_bench(tmp_path) as bench:
        shares, version = bench.store.shares, await bench.put("name")
        made = await bench.store.identity.keys.create(bench.principal, "sharer", ["readFiles", "shareFiles"])
        sharer = await bench.store.identity.authenticate_key(made.key_id, made.secret)
        _, brief = await shares.create(bench.principal, bench.bucket, version, valid_s=60)
        _, once = await shares.create(bench.principal, bench.bucket, version, downloads_max=1)
        _, of_key = await shares.create(sharer, bench.bucket, version)
        revoked, token = await shares.create(bench.principal, bench.bucket, version)
        await shares.take(once)
        bench.clock.ms += 60_000
        await bench.store.identity.keys.delete(bench.principal, made.key_id)
        await shares.revoke(bench.principal, bench.bucket, revoked.share_id)
        for ended, why in ((brief, "expired"), (once, "often"), (of_key, "revoked"), (token, "revoked")):
            for attempt in (shares.open, shares.take):
                with pytest.raises(errors.NoSuchShare, match=why):
                    await attempt(ended)
        with pytest.raises(errors.NoSuchShare):
            await shares.revoke(bench.principal, bench.bucket, revoked.share_id)
        _, last = await shares.create(bench.principal, bench.bucket, version)
        listed, _ = await shares.of_bucket(bench.principal, bench.bucket, limit=10)
        assert sorted(share.state(bench.clock.ms) for share in listed) == [
            "active",
            "expired",
            "used up",
            "without a key",
        ]
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(version.file_id))
        with pytest.raises(errors.NoSuchShare, match="gone"):
            await shares.open(last)
        listed, _ = await shares.of_bucket(bench.principal, bench.bucket, limit=10)
        assert {share.state(bench.clock.ms) for share in listed} == {"deleted"}


@asynchronous
async def test_links_are_found_by_the_names_of_their_files_wherever_in_the_list_they_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        shares, made = bench.store.shares, {}
        for name in ("Ärger.txt", "a.txt", "b.txt", "c.txt", "in/ärger.txt"):
            bench.clock.ms += 1
            made[name] = await shares.create(bench.principal, bench.bucket, await bench.put(name))
        page, after = await shares.of_bucket(bench.principal, bench.bucket, limit=1, text="ÄRGER")
        assert [share.name for share in page] == ["in/ärger.txt"]
        page, after = await shares.of_bucket(bench.principal, bench.bucket, limit=1, text="ÄRGER", after=after)
        assert ([share.name for share in page], after) == (["Ärger.txt"], None)
        assert await shares.of_bucket(bench.principal, bench.bucket, limit=10, text="none") == ([], None)


@asynchronous
async def test_a_suspended_account_shares_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name")
        _, token = await bench.store.shares.create(bench.principal, bench.bucket, version)
        await bench.store.identity.accounts.set_suspended(bench.bucket.account_id, True)
        with pytest.raises(errors.NoSuchShare):
            await bench.store.shares.open(token)
        await bench.store.identity.accounts.set_suspended(bench.bucket.account_id, False)
        assert (await bench.store.shares.open(token)).version.name == "name"


@asynchronous
async def test_a_password_is_asked_for_and_cannot_be_guessed_by_trying(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "SHARE_TRIES_MAX", 3)
    async with open_bench(tmp_path) as bench:
        shares, version = bench.store.shares, await bench.put("name")
        _, token = await shares.create(bench.principal, bench.bucket, version, password="right password")
        with pytest.raises(errors.WrongPassword):
            await shares.take(token)
        await shares.take(token, "right password")  # Which forgives the one before.
        tried = await asyncio.gather(*(shares.take(token, "wrong") for _ in range(5)), return_exceptions=True)
        assert sorted(type(one).__name__ for one in tried) == ["TooManyTries"] * 2 + ["WrongPassword"] * 3
        with pytest.raises(errors.TooManyTries):
            await shares.take(token, "right password")
        bench.clock.ms += limits.SHARE_TRIES_WINDOW_S * 1000
        await shares.take(token, "right password")
        [share], _ = await shares.of_bucket(bench.principal, bench.bucket, limit=10)
        assert share.downloads == 2


@pytest.mark.parametrize("excess", [-1, 0])
@asynchronous
async def test_a_password_of_a_link_may_be_shorter_than_that_of_an_account_but_not_useless(tmp_path, excess):
    password = "x" * (limits.SHARE_PASSWORD_MIN_LENGTH + excess)
    async with open_bench(tmp_path) as bench:
        shares, version = bench.store.shares, await bench.put("name")
        if excess < 0:
            with pytest.raises(errors.InvalidRequest, match="4 to 1024 characters"):
                await shares.create(bench.principal, bench.bucket, version, password=password)
        else:
            _, token = await shares.create(bench.principal, bench.bucket, version, password=password)
            assert (await shares.take(token, password)).version.file_id == version.file_id


@asynchronous
async def test_no_more_downloads_than_allowed_are_given_to_many_who_come_at_once(tmp_path):
    async with open_bench(tmp_path) as bench:
        version = await bench.put("name")
        _, token = await bench.store.shares.create(bench.principal, bench.bucket, version, downloads_max=2)
        taken = await asyncio.gather(*(bench.store.shares.take(token) for _ in range(6)), return_exceptions=True)
        assert sum(isinstance(one, errors.NoSuchShare) for one in taken) == 4


@asynchronous
async def test_sharing_takes_the_rights_and_bounded_values(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        shares, version = bench.store.shares, await bench.put("in/name")
        for capabilities in (["readFiles"], ["shareFiles"]):
            made = await bench.store.identity.keys.create(bench.principal, "some", capabilities)
            some = await bench.store.identity.authenticate_key(made.key_id, made.secret)
            with pytest.raises(errors.Unauthorized):
                await shares.create(some, bench.bucket, version)
        made = await bench.store.identity.keys.create(
            bench.principal, "narrow", ["readFiles", "shareFiles"], name_prefix="out/"
        )
        narrow = await bench.store.identity.authenticate_key(made.key_id, made.secret)
        for attempt in (
            shares.create(narrow, bench.bucket, version),
            shares.of_bucket(narrow, bench.bucket, limit=1),
            shares.revoke(narrow, bench.bucket, "any"),
            shares.of_file(narrow, bench.bucket, "in/name"),
        ):
            with pytest.raises(errors.Unauthorized):
                await attempt
        for values in (
            {"valid_s": 0},
            {"valid_s": limits.SHARE_VALID_MAX_S + 1},
            {"downloads_max": 0},
            {"downloads_max": limits.SHARE_DOWNLOADS_MAX + 1},
            {"password": "abc"},
        ):
            with pytest.raises(errors.InvalidRequest):
                await shares.create(bench.principal, bench.bucket, version, **values)
        marker = await bench.store.files.hide(bench.principal, bench.bucket, "in/name", S3)
        secret = await bench.put("secret", new=NewFile("a/b", encryption=KEY.store))
        for unsharable in (marker, secret):
            with pytest.raises(errors.InvalidRequest):
                await shares.create(bench.principal, bench.bucket, unsharable)
        monkeypatch.setattr(limits, "SHARES_PER_BUCKET", 1)
        await shares.create(bench.principal, bench.bucket, version)
        with pytest.raises(errors.TooManyShares):
            await shares.create(bench.principal, bench.bucket, version)


@asynchronous
async def test_links_are_listed_newest_first_page_by_page_and_go_when_they_ended_long_ago_or_with_the_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        shares, version = bench.store.shares, await bench.put("name")
        made = []
        for _ in range(5):
            bench.clock.ms += 1
            made.append((await shares.create(bench.principal, bench.bucket, version, valid_s=60))[0].share_id)
        listed, after = [], ""
        while after is not None:
            page, after = await shares.of_bucket(bench.principal, bench.bucket, after=after, limit=2)
            listed += [share.share_id for share in page]
        assert listed == made[::-1]
        assert [one.share_id for one in await shares.of_file(bench.principal, bench.bucket, "name")] == made[::-1]
        bench.clock.ms += (60 + limits.SHARE_KEPT_S) * 1000
        await shares.create(bench.principal, bench.bucket, version)
        assert len((await shares.of_bucket(bench.principal, bench.bucket, limit=10))[0]) == 1
        await bench.store.files.delete_version(bench.principal, bench.bucket, "name", str(version.file_id))
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        assert await rows_of_shares.count(bench.catalog.rows, bench.bucket.bucket_id) == 0
