"""Application keys: their twins, and a master key that is generated anew."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.stores import open_as_it_is, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.identity.principals import Principal

UPLOAD_PATH = "/b2api/v4/b2_upload_file"


async def new_key(bench, *capabilities, **restrictions):
    asked = capabilities or ("listFiles", "readFiles")
    return await bench.store.identity.keys.create(bench.principal, "a-key", asked, **restrictions)


async def the_master(bench):
    return await bench.store.identity.accounts.operator(bench.bucket.account_id)


@asynchronous
async def test_a_master_key_that_is_generated_anew_takes_the_old_secret_its_tokens_and_its_principals_out_of_use(
    tmp_path,
):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        identity = bench.store.identity
        old = await the_master(bench)
        upload = await identity.upload_address(old, UPLOAD_PATH, bench.bucket.bucket_id)
        tokens = [
            await identity.account_token(old),
            upload.token,
            await identity.download_grant(old, bench.bucket.bucket_id, "", 100, {}),
        ]
        for process in (bench, other):
            assert await process.store.identity.principal_of_account_token(tokens[0]) == old
        new = await identity.keys.regenerate_master(old)
        assert (new.key_id, new.capabilities) == (old.key.key_id, old.key.capabilities)
        assert new.secret != old.key.secret
        for process in (bench, other):
            there = process.store.identity
            with pytest.raises(errors.BadCredentials):
                await there.authenticate_key(new.key_id, old.key.secret)
            with pytest.raises(errors.BadCredentials):
                await process.store.buckets.list(old)
            with pytest.raises(errors.BadToken):
                await there.principal_of_account_token(tokens[0])
            with pytest.raises(errors.BadToken):
                await there.principal_of_upload_token(tokens[1], upload.path)
            with pytest.raises(errors.BadToken):
                await there.principal_of_download_token(tokens[2])
            principal = await there.authenticate_key(new.key_id, new.secret)
            assert await there.principal_of_account_token(await there.account_token(principal)) == principal
            assert [bucket.name for bucket in await process.store.buckets.list(principal)] == [bench.bucket.name]


@asynchronous
async def test_tokens_of_a_master_key_generated_anew_are_good_at_once_where_the_old_one_is_remembered(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        identity, there = bench.store.identity, other.store.identity
        old = await the_master(bench)
        before = await identity.account_token(old)
        for kind in ("account", "upload", "download"):
            assert await there.principal_of_account_token(before) == old
            made = await identity.keys.regenerate_master(old)
            new = await identity.authenticate_key(made.key_id, made.secret)
            before, old = await identity.account_token(new), new
            if kind == "account":
                assert await there.principal_of_account_token(before) == new
            elif kind == "upload":
                upload = await identity.upload_address(new, UPLOAD_PATH, bench.bucket.bucket_id)
                assert await there.principal_of_upload_token(upload.token, upload.path) == new
            else:
                grant = await identity.download_grant(new, bench.bucket.bucket_id, "", 100, {})
                assert (await there.principal_of_download_token(grant)).grant.issued_by == new.key_id


@asynchronous
async def test_the_secret_of_a_master_key_generated_anew_is_in_the_catalog_only_wrapped(tmp_path):
    async with open_bench(tmp_path) as bench:
        new = await bench.store.identity.keys.regenerate_master(await the_master(bench))
        dump = "\n".join(str(row) for row in await bench.catalog.rows.all("SELECT * FROM keys"))
        assert new.secret not in dump


@asynchronous
async def test_only_who_can_make_and_delete_keys_generates_the_master_key_anew(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys = bench.store.identity.keys
        for missing in ("writeKeys", "deleteKeys"):
            rights = {"writeKeys", "deleteKeys", "listKeys"} - {missing}
            holder = Principal.of_key(await new_key(bench, *rights))
            with pytest.raises(errors.Unauthorized):
                await keys.regenerate_master(holder)
        await keys.regenerate_master(Principal.of_key(await new_key(bench, "writeKeys", "deleteKeys")))


@asynchronous
async def test_a_twin_has_the_rights_of_its_key_and_both_work_until_the_old_one_is_retired(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        old = await new_key(bench, bucket_ids=[bench.bucket.bucket_id], name_prefix="logs/", valid_s=1000)
        bench.clock.ms += 400_000
        twin = await identity.keys.rotate(bench.principal, old.key_id, retire_after_s=60)
        same = ("name", "capabilities", "bucket_ids", "name_prefix")
        assert [getattr(twin, each) for each in same] == [getattr(old, each) for each in same]
        assert twin.key_id != old.key_id
        assert twin.secret != old.secret
        assert twin.expires_ms == bench.clock.ms + 1_000_000
        for key in (old, twin):
            await identity.authenticate_key(key.key_id, key.secret)
        bench.clock.ms += 60_000
        await identity.authenticate_key(twin.key_id, twin.secret)
        with pytest.raises(errors.BadCredentials):
            await identity.authenticate_key(old.key_id, old.secret)


@asynchronous
async def test_retiring_never_lengthens_a_life_and_without_it_the_old_key_stays(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys = bench.store.identity.keys
        short, endless = await new_key(bench, valid_s=10), await new_key(bench)
        await keys.rotate(bench.principal, short.key_id, retire_after_s=1000)
        twin = await keys.rotate(bench.principal, endless.key_id)
        assert (await keys.find(bench.principal, short.key_id)).expires_ms == short.expires_ms
        assert (await keys.find(bench.principal, endless.key_id)).expires_ms is None
        assert twin.expires_ms is None


@asynchronous
async def test_a_master_key_a_strangers_and_an_expired_one_have_no_twin(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys = bench.store.identity.keys
        stranger = await bench.store.identity.accounts.create("stranger@example.com", "a long password")
        expired = await new_key(bench, valid_s=1)
        bench.clock.ms += 1000
        for key_id in (bench.bucket.account_id, stranger.key.key_id, expired.key_id, "nothing"):
            with pytest.raises(errors.NoSuchKey):
                await keys.rotate(bench.principal, key_id)
        for seconds in (0, limits.KEY_VALID_MAX_S + 1):
            with pytest.raises(errors.OutOfRange):
                await keys.rotate(bench.principal, stranger.key.key_id, retire_after_s=seconds)


@asynchronous
async def test_who_cannot_delete_keys_rotates_one_but_retires_none(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys = bench.store.identity.keys
        holder = Principal.of_key(await new_key(bench, "writeKeys"))
        old = await new_key(bench)
        assert (await keys.rotate(holder, old.key_id)).name == old.name
        with pytest.raises(errors.Unauthorized):
            await keys.rotate(holder, old.key_id, retire_after_s=60)
        with pytest.raises(errors.Unauthorized):
            await keys.rotate(Principal.of_key(old), old.key_id)


@asynchronous
async def test_keys_that_expire_soon_are_told_of_unless_they_were_made_to_live_no_longer(tmp_path, monkeypatch):
    async with open_bench(tmp_path) as bench:
        keys, week_s = bench.store.identity.keys, 7 * 86_400
        await new_key(bench)
        await new_key(bench, valid_s=week_s)
        late = await new_key(bench, valid_s=week_s + 20)
        soon = await new_key(bench, valid_s=week_s + 10)
        others = await bench.store.identity.accounts.create("other@example.com", "a long password")
        operator = await bench.store.identity.accounts.operator(others.account.account_id)
        assert await keys.expiring(bench.principal, week_s * 1000) == []
        bench.clock.ms += 10_000
        assert [key.key_id for key in await keys.expiring(bench.principal, week_s * 1000)] == [soon.key_id]
        bench.clock.ms += 10_000
        found = [key.key_id for key in await keys.expiring(bench.principal, week_s * 1000)]
        assert found == [soon.key_id, late.key_id]
        assert await keys.expiring(operator, week_s * 1000) == []
        monkeypatch.setattr(limits, "KEYS_EXPIRING_SHOWN_MAX", 1)
        assert [key.key_id for key in await keys.expiring(bench.principal, week_s * 1000)] == [soon.key_id]
        bench.clock.ms += week_s * 1000 - 10_000
        assert [key.key_id for key in await keys.expiring(bench.principal, week_s * 1000)] == [late.key_id]
