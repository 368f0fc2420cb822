"""Buckets: names, revisions, and that only an empty one goes."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors, ids
from undercroft.store.identity.principals import Principal
from undercroft.store.model import NewFile


@pytest.mark.parametrize("name", ["sixsix", "x" * 63, "a.b-c.1", "With-Capitals"])
@asynchronous
async def test_good_bucket_names_are_taken(tmp_path, name):
    async with open_bench(tmp_path) as bench:
        assert (await bench.store.buckets.create(bench.principal, name, "allPrivate")).name == name


@pytest.mark.parametrize(
    "name",
    ["fives", "x" * 64, "b2-bucket", "B2-bucket", ".abcdef", "abcdef.", "abc..def", "under_score", "bücket1", "healthz",
     "192.168.10.1"],
)  # fmt: skip
@asynchronous
async def test_bad_bucket_names_are_refused(tmp_path, name):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidBucketName):
            await bench.store.buckets.create(bench.principal, name, "allPrivate")


@asynchronous
async def test_a_name_is_taken_in_every_letter_case_and_by_every_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.DuplicateBucketName) as own:
            await bench.store.buckets.create(bench.principal, "BENCH-bucket", "allPrivate")
        stranger = Principal.of_key((await bench.store.identity.accounts.create("x@example.com", "a password")).key)
        with pytest.raises(errors.DuplicateBucketName) as foreign:
            await bench.store.buckets.create(stranger, "bench-bucket", "allPrivate")
        assert (own.value.own, foreign.value.own) == (True, False)


@asynchronous
async def test_bucket_ids_of_one_millisecond_differ_and_name_their_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = [await bench.store.buckets.create(bench.principal, f"bucket-{n}", "allPrivate") for n in range(5)]
        assert len({bucket.bucket_id for bucket in made}) == 5
        assert all(ids.is_bucket_id(bucket.bucket_id) for bucket in made)
        assert all(bucket.bucket_id[1::2] == bucket.account_id for bucket in made)


def test_bucket_ids_interleave_time_and_account_as_the_reference_says():
    assert ids.bucket_id("d2e6b27577ea", 1_636_376_698_399) == "1df2dee6ab62f7f577c70e1a"
    assert ids.bucket_id("a6888dc14294", 1_754_543_839_740) == "fac65898f86d8c2194820914"


@asynchronous
async def test_updates_raise_the_revision_and_a_wrong_one_changes_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        buckets, bucket_id = bench.store.buckets, bench.bucket.bucket_id
        assert bench.bucket.revision == 2
        updated = await buckets.update(bench.principal, bucket_id, info={"a": "b"}, if_revision_is=2)
        assert (updated.revision, updated.info, updated.type) == (3, {"a": "b"}, "allPrivate")
        with pytest.raises(errors.RevisionConflict):
            await buckets.update(bench.principal, bucket_id, info={}, if_revision_is=2)
        kept = await buckets.update(bench.principal, bucket_id, bucket_type="allPublic")
        assert (kept.revision, kept.info, kept.type) == (4, {"a": "b"}, "allPublic")


@asynchronous
async def test_only_a_bucket_that_holds_nothing_at_all_can_be_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        files, buckets, bucket_id = bench.store.files, bench.store.buckets, bench.bucket.bucket_id
        large = await files.start_large_file(bench.principal, bench.bucket, "large", NewFile("a/b"))
        with pytest.raises(errors.BucketNotEmpty):
            await buckets.delete(bench.principal, bucket_id)
        await files.cancel(bench.principal, bench.bucket, large)
        await buckets.delete(bench.principal, bucket_id)
        with pytest.raises(errors.NoSuchBucket):
            await buckets.delete(bench.principal, bucket_id)


@asynchronous
async def test_the_account_has_a_limit_of_buckets(tmp_path):
    async with open_bench(tmp_path) as bench:
        for number in range(limits.BUCKETS_PER_ACCOUNT - 1):
            await bench.store.buckets.create(bench.principal, f"bucket-{number}", "allPrivate")
        with pytest.raises(errors.TooManyBuckets):
            await bench.store.buckets.create(bench.principal, "one-too-many", "allPrivate")


@asynchronous
async def test_a_restricted_key_lists_only_what_it_names_unless_lenient(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        key = await bench.store.identity.keys.create(
            bench.principal, "key", ["listBuckets"], bucket_ids=[bench.bucket.bucket_id]
        )
        principal, buckets = Principal.of_key(key), bench.store.buckets
        for filters in ({}, {"name": "other-bucket"}, {"bucket_id": other.bucket_id}, {"name": "no-such-bucket"}):
            with pytest.raises(errors.Unauthorized):
                await buckets.list(principal, **filters)
        assert [b.name for b in await buckets.list(principal, name="bench-BUCKET")] == ["bench-bucket"]
        assert [b.name for b in await buckets.list(principal, lenient=True)] == ["bench-bucket"]
        with pytest.raises(errors.Unauthorized):
            await buckets.list_all_names(principal)
        assert [b.name for b in await buckets.list(bench.principal)] == ["bench-bucket", "other-bucket"]
        assert await buckets.list(bench.principal, bucket_id="0" * 24) == []


@asynchronous
async def test_an_account_with_buckets_cannot_be_deleted(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounts = bench.store.identity.accounts
        with pytest.raises(errors.BucketNotEmpty):
            await accounts.delete("owner@example.com")
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        await accounts.delete("owner@example.com")
        with pytest.raises(errors.BadCredentials):
            await bench.store.identity.authenticate_key(bench.principal.key.key_id, bench.principal.key.secret)
        with pytest.raises(errors.NoSuchAccount):
            await accounts.find("owner@example.com")
