"""Who may do what in a bucket."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft.store import errors
from undercroft.store.identity.holders import ACTS
from undercroft.store.identity.principals import Principal
from undercroft.store.operations import Operation

FILES = {Operation.LIST_FILES, Operation.READ_FILE}


async def told(bench, **page):
    found, following = await bench.store.identity.holders.of_bucket(
        bench.principal, bench.bucket, **{"limit": 100, **page}
    )
    return {one.member or one.key.name: (one.key.name_prefix, set(one.may)) for one in found}, following


@asynchronous
async def test_keys_and_members_are_told_with_what_they_may_and_who_may_nothing_is_not(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity, bucket_id = bench.store.identity, bench.bucket.bucket_id
        other = await bench.store.buckets.create(bench.principal, "another-bucket", "allPrivate")
        reads = ["listFiles", "readFiles"]
        for name, capabilities, extras in (
            ("everywhere", reads, {}),
            ("in-two", reads, {"bucket_ids": [other.bucket_id, bucket_id]}),
            ("elsewhere", reads, {"bucket_ids": [other.bucket_id]}),
            ("of-some-names", ["writeFiles"], {"bucket_ids": [bucket_id], "name_prefix": "in/"}),
            ("of-keys-alone", ["listKeys"], {}),
            ("short-lived", reads, {"valid_s": 60}),
        ):
            await identity.keys.create(bench.principal, name, capabilities, **extras)
        for email, role, buckets in (
            ("writer@example.com", "objectWriter", [bucket_id]),
            ("viewer@example.com", "objectViewer", [other.bucket_id]),
            ("late@example.com", "objectViewer", None),
        ):
            secret = (await identity.memberships.invite(bench.principal, email, role, buckets)).secret
            if not email.startswith("late"):
                await identity.memberships.sign_up(secret, "a quiet long password", "")
        bench.clock.ms += 61_000
        found, following = await told(bench)
        assert found == {
            "Master": (None, set(ACTS)),
            bench.principal.key.name: (None, set(ACTS)),
            "everywhere": (None, FILES),
            "in-two": (None, FILES),
            "of-some-names": ("in/", {Operation.WRITE_FILE}),
            "writer@example.com": (None, {Operation.LIST_FILES, Operation.WRITE_FILE}),
        }
        assert following is None
        pages, start = {}, ""
        while start is not None:
            page, start = await told(bench, start_key_id=start, limit=2)
            pages |= page
        assert pages == found


@asynchronous
async def test_a_suspended_member_is_told_as_one_who_may_nothing_until_resumed(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        secret = (await identity.memberships.invite(bench.principal, "w@example.com", "objectWriter", None)).secret
        await identity.memberships.sign_up(secret, "a quiet long password", "")
        for is_suspended, may in ((True, set()), (False, {Operation.LIST_FILES, Operation.WRITE_FILE})):
            await identity.accounts.set_suspended("w@example.com", is_suspended)
            found, _ = await identity.holders.of_bucket(bench.principal, bench.bucket, limit=100)
            [one] = [one for one in found if one.member]
            assert (one.is_suspended, set(one.may)) == (is_suspended, may)
            assert not any(one.is_suspended for one in found if not one.member)


@asynchronous
async def test_who_may_do_what_is_told_to_those_alone_who_see_keys(tmp_path):
    async with open_bench(tmp_path) as bench:
        key = await bench.store.identity.keys.create(bench.principal, "a-key", ["listBuckets", "writeKeys"])
        with pytest.raises(errors.Unauthorized):
            await bench.store.identity.holders.of_bucket(Principal.of_key(key), bench.bucket, limit=1)
        stranger = (await bench.store.identity.accounts.create("other@example.com", "a long password")).account
        principal = await bench.store.identity.accounts.operator(stranger.account_id)
        with pytest.raises(errors.Unauthorized):
            await bench.store.identity.holders.of_bucket(principal, bench.bucket, limit=1)


@asynchronous
async def test_anybody_who_has_a_key_of_the_account_downloads_from_a_public_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        await bench.store.identity.keys.create(bench.principal, "of-keys-alone", ["listKeys"])
        bench.bucket = await bench.store.buckets.update(
            bench.principal, bench.bucket.bucket_id, bucket_type="allPublic"
        )
        assert (await told(bench))[0]["of-keys-alone"] == (None, {Operation.READ_FILE})
