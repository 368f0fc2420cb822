"""Keys, tokens and buckets: what each allows, and that it ends at once."""

from __future__ import annotations

import functools

import msgspec
import pytest

from harness.asynchronous import asynchronous
from harness.stores import Bytes, SetClock, open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.buckets.lock import LockChange
from undercroft.store.gate import Gate
from undercroft.store.identity.authorize import Facts, authorize
from undercroft.store.identity.principals import NOBODY, Principal
from undercroft.store.model import NewFile
from undercroft.store.operations import ALL_CAPABILITIES, Operation


async def _key(bench, *capabilities, **restrictions):
    key = await bench.store.identity.keys.create(bench.principal, "key", capabilities, **restrictions)
    return Principal.of_key(key)


@pytest.mark.parametrize("operation", list(Operation))
@asynchronous
async def test_each_operation_needs_its_capability_and_no_other(tmp_path, operation):
    async with open_bench(tmp_path) as bench:
        others = [capability for capability in ALL_CAPABILITIES if capability != operation.value]
        with pytest.raises(errors.Unauthorized) as caught:
            authorize(await _key(bench, *others), operation, bench.bucket, "name")
        assert caught.value.missing == operation.value
        authorize(await _key(bench, operation.value), operation, bench.bucket, "name")


@asynchronous
async def test_a_key_is_confined_to_its_buckets_and_its_prefix(tmp_path):
    async with open_bench(tmp_path) as bench:
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        key = await _key(bench, "readFiles", bucket_ids=[bench.bucket.bucket_id], name_prefix="in/")
        authorize(key, Operation.READ_FILE, bench.bucket, "in/side")
        for bucket, name in ((bench.bucket, "out"), (bench.bucket, "in"), (other, "in/side")):
            with pytest.raises(errors.Unauthorized):
                authorize(key, Operation.READ_FILE, bucket, name)


@pytest.mark.parametrize("operation", [Operation.READ_NOTIFICATIONS, Operation.WRITE_NOTIFICATIONS])
@asynchronous
async def test_a_key_of_some_names_neither_hears_of_all_nor_sees_who_does(tmp_path, operation):
    async with open_bench(tmp_path) as bench:
        authorize(await _key(bench, operation.value), operation, bench.bucket)
        with pytest.raises(errors.Unauthorized):
            authorize(await _key(bench, operation.value, name_prefix="in/"), operation, bench.bucket)


@asynchronous
async def test_a_key_of_some_names_does_not_lock_all_of_a_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        key = await _key(bench, "writeBucketRetentions", name_prefix="in/")
        with pytest.raises(errors.Unauthorized):
            await bench.store.buckets.set_lock(key, bench.bucket.bucket_id, LockChange(enabled=True))
        everywhere = await _key(bench, "writeBucketRetentions")
        assert (
            await bench.store.buckets.set_lock(everywhere, bench.bucket.bucket_id, LockChange(enabled=True))
        ).lock.enabled


@asynchronous
async def test_an_account_cannot_touch_anothers_bucket(tmp_path):
    async with open_bench(tmp_path) as bench:
        stranger = Principal.of_key((await bench.store.identity.accounts.create("x@example.com", "a password")).key)
        version = await bench.put("secret")
        for attempt in (
            bench.store.files.current(stranger, bench.bucket, "secret"),
            bench.store.files.version(stranger, str(version.file_id)),
            bench.store.files.list_names(stranger, bench.bucket, limit=1),
            bench.store.buckets.update(stranger, bench.bucket.bucket_id, bucket_type="allPublic"),
            bench.store.buckets.delete(stranger, bench.bucket.bucket_id),
            bench.store.identity.keys.create(stranger, "k", ["readFiles"], bucket_ids=[bench.bucket.bucket_id]),
        ):
            with pytest.raises((errors.Unauthorized, errors.NoSuchBucket)):
                await attempt


@asynchronous
async def test_a_deleted_key_stops_at_once_in_another_process(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        await bench.put("name", b"here")
        key = await _key(bench, "readFiles", "writeFiles", "listFiles")
        token = await other.store.identity.account_token(key)
        other.principal = await other.store.identity.principal_of_account_token(token)
        other.bucket = await other.store.buckets.find(name="bench-bucket")
        assert await other.get("name") == b"here"
        await bench.store.identity.keys.delete(bench.principal, key.key_id)
        for attempt in (functools.partial(other.get, "name"), functools.partial(other.put, "new"), other.names):
            with pytest.raises(errors.BadCredentials):
                await attempt()
        with pytest.raises(errors.BadToken):
            await other.store.identity.principal_of_account_token(token)
        assert await bench.names() == ["name"]


@asynchronous
async def test_a_suspended_account_stops_at_once_and_comes_back(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        await bench.put("name", b"here")
        await other.store.identity.accounts.set_suspended("owner@example.com", True)
        with pytest.raises(errors.BadCredentials):
            await bench.get("name")
        await other.store.identity.accounts.set_suspended("owner@example.com", False)
        assert await bench.get("name") == b"here"


@asynchronous
async def test_a_bucket_made_private_is_private_at_once_in_another_process(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        await bench.put("name", b"here")
        await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, bucket_type="allPublic")
        public = await other.store.buckets.find(name="bench-bucket")
        assert (await other.store.files.current(NOBODY, public, "name")).size == 4
        await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, bucket_type="allPrivate")
        with pytest.raises(errors.Unauthorized):
            await other.store.files.current(NOBODY, public, "name")


@asynchronous
async def test_files_of_a_bucket_that_another_process_deleted_are_not_there(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        files, owner = bench.store.files, bench.principal
        version = await bench.put("name")
        await other.store.files.version(owner, str(version.file_id))  # So it remembers the bucket.
        await files.delete_version(owner, bench.bucket, "name", str(version.file_id))
        await bench.store.buckets.delete(owner, bench.bucket.bucket_id)
        with pytest.raises(errors.NoSuchVersion):
            await other.store.files.version(owner, str(version.file_id))


@asynchronous
async def test_large_files_of_a_bucket_that_another_process_deleted_are_not_there(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        files, owner = bench.store.files, bench.principal
        large = await files.start_large_file(owner, bench.bucket, "large", NewFile("text/plain"))
        await other.store.files.unfinished(owner, str(large.file_id))  # So it remembers the bucket.
        account = await bench.store.identity.accounts.create("stranger@example.com", "a long password")
        await files.cancel(owner, bench.bucket, large)
        await bench.store.buckets.delete(owner, bench.bucket.bucket_id)
        for who in (Principal.of_key(account.key), owner):  # The owner asks last: then it has heard of it.
            with pytest.raises(errors.NoSuchUpload):
                await other.store.files.unfinished(who, str(large.file_id))


@asynchronous
async def test_writing_into_a_bucket_that_another_process_deleted_is_refused(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        other.principal, other.bucket = bench.principal, await other.store.buckets.find(name="bench-bucket")
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        with pytest.raises(errors.NoSuchBucket):
            await other.put("name")


@pytest.mark.parametrize("whose", ["own", "others"])
@asynchronous
async def test_a_change_of_others_between_judgement_and_commit_makes_nobody_start_over(tmp_path, monkeypatch, whose):
    async with open_bench(tmp_path) as bench:
        other = await bench.store.identity.accounts.create("other@example.com", "a long password")
        operator = await bench.store.identity.accounts.operator(other.account.account_id)
        theirs = await bench.store.buckets.create(operator, "their-bucket", "allPrivate")
        changed = {"own": (bench.principal, bench.bucket.bucket_id), "others": (operator, theirs.bucket_id)}[whose]
        write, begun = Gate.write, []

        async def late(self, change, **options):
            begun.append(change)
            if len(begun) == 1:  # The upload has been judged, and this comes before it.
                await bench.store.buckets.update(*changed, bucket_type="allPublic")
            return await write(self, change, **options)

        monkeypatch.setattr(Gate, "write", late)
        await bench.put("name")
        assert len(begun) == {"own": 3, "others": 2}[whose]


@asynchronous
async def test_nobody_reads_a_public_bucket_but_lists_and_writes_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        bucket = await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, bucket_type="allPublic")
        authorize(NOBODY, Operation.READ_FILE, bucket, "name")
        for operation in (Operation.LIST_FILES, Operation.WRITE_FILE, Operation.DELETE_FILE, Operation.READ_BUCKET):
            with pytest.raises(errors.Unauthorized):
                authorize(NOBODY, operation, bucket, "name")
        with pytest.raises(errors.Unauthorized):
            authorize(NOBODY, Operation.READ_FILE, bucket, "name", Facts(overrides={"b2ContentType": "text/html"}))


@asynchronous
async def test_a_download_grant_reads_by_name_under_its_prefix_with_its_overrides(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity, overrides = bench.store.identity, {"b2ContentType": "a/b"}
        token = await identity.download_grant(bench.principal, bench.bucket.bucket_id, "in/", 60, overrides)
        grant = await identity.principal_of_download_token(token)
        authorize(grant, Operation.READ_FILE, bench.bucket, "in/x", Facts(overrides=overrides))
        for operation, name, facts in (
            (Operation.READ_FILE, "in/x", Facts()),
            (Operation.READ_FILE, "out", Facts(overrides=overrides)),
            (Operation.READ_FILE, "in/x", Facts(file_id="any", overrides=overrides)),
            (Operation.WRITE_FILE, "in/x", Facts(overrides=overrides)),
        ):
            with pytest.raises(errors.Unauthorized):
                authorize(grant, operation, bench.bucket, name, facts)
        bench.clock.ms += 60_000
        with pytest.raises(errors.ExpiredToken):
            await identity.principal_of_download_token(token)


@asynchronous
async def test_a_grant_for_one_version_reads_that_version_by_its_id_just_as_it_was_meant(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity, overrides = bench.store.identity, {"b2ContentDisposition": "attachment"}
        version, later = await bench.put("name", b"1"), await bench.put("name", b"2")
        token = await identity.version_grant(bench.principal, version, 60, overrides)
        grant = await identity.principal_of_download_token(token)
        files, file_id = bench.store.files, str(version.file_id)
        assert await files.version(grant, file_id, facts=Facts(file_id=file_id, overrides=overrides)) is not None
        for asked, facts in (
            (file_id, Facts(file_id=file_id)),
            (file_id, Facts(file_id=file_id, overrides={**overrides, "b2ContentType": "text/html"})),
            (file_id, Facts(file_id=file_id, overrides=overrides, described=True)),
            (str(later.file_id), Facts(file_id=str(later.file_id), overrides=overrides)),
        ):
            with pytest.raises(errors.Unauthorized):
                await files.version(grant, asked, facts=facts)
        with pytest.raises(errors.Unauthorized):
            await files.current(grant, bench.bucket, "name", facts=Facts(overrides=overrides))
        with pytest.raises(errors.Unauthorized):
            await identity.version_grant(await _key(bench, "readFiles"), version, 60, overrides)
        bench.clock.ms += 60_000
        with pytest.raises(errors.ExpiredToken):
            await identity.principal_of_download_token(token)


@asynchronous
async def test_tokens_are_good_for_their_own_use_their_own_url_and_their_time(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        account = await identity.account_token(bench.principal)
        path, upload = msgspec.structs.astuple(await identity.upload_address(bench.principal, "/upload", "1"))
        grant = await identity.download_grant(bench.principal, bench.bucket.bucket_id, "", 60, {})
        for _ in range(2):  # The second time they are remembered.
            assert (await identity.principal_of_upload_token(upload, path)).key_id == bench.principal.key_id
            assert (await identity.principal_of_account_token(account)).key_id == bench.principal.key_id
            assert (await identity.principal_of_download_token(grant)).grant is not None
        for attempt in (
            identity.principal_of_account_token(grant),
            identity.principal_of_upload_token(upload, path + "0"),
            identity.principal_of_upload_token(account, path),
            identity.principal_of_account_token(upload),
            identity.principal_of_account_token(account[:-2] + "AA"),
            identity.principal_of_account_token(account.replace("4_", "5_", 1)),
            identity.principal_of_account_token(""),
            identity.principal_of_account_token("4_é_0_0_acct_x"),
        ):
            with pytest.raises(errors.BadToken):
                await attempt
        bench.clock.ms += limits.ACCOUNT_TOKEN_VALID_S * 1000
        for attempt in (
            identity.principal_of_account_token(account),
            identity.principal_of_upload_token(upload, path),
            identity.principal_of_download_token(account),
        ):
            with pytest.raises(errors.ExpiredToken):
                await attempt


@asynchronous
async def test_only_so_many_tokens_are_remembered(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "TOKENS_REMEMBERED", 2)
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        for number in range(5):
            token = await identity.account_token(bench.principal)
            for _ in range(2):
                assert (await identity.principal_of_account_token(token)).key_id == bench.principal.key_id
            assert len(identity._tokens._genuine) == number % 2 + 1


@asynchronous
async def test_tokens_outlive_the_rotation_of_the_signing_key(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        await identity.account_token(bench.principal)
        bench.clock.ms += limits.SIGNING_KEY_ROTATES_AFTER_S * 1000
        old = await identity.account_token(bench.principal)
        bench.clock.ms += 1001
        new = await identity.account_token(bench.principal)
        assert old.split("_")[3] != new.split("_")[3]
        assert (await identity.principal_of_account_token(old)).key_id == bench.principal.key_id


@asynchronous
async def test_an_expired_key_and_its_tokens_stop(tmp_path):
    async with open_bench(tmp_path) as bench:
        key = await _key(bench, "readFiles", valid_s=10)
        token = await bench.store.identity.account_token(key)
        bench.clock.ms += 10_000
        assert await bench.store.identity.key(key.key_id or "") is None
        with pytest.raises(errors.BadToken):
            await bench.store.identity.principal_of_account_token(token)


@asynchronous
async def test_a_key_id_with_a_wrong_secret_is_refused_like_an_unknown_one(tmp_path):
    async with open_bench(tmp_path) as bench:
        key = bench.principal.key
        assert (await bench.store.identity.authenticate_key(key.key_id, key.secret)).key_id == key.key_id
        for key_id, secret in ((key.key_id, "K000wrong"), ("000000000000000000000000f", key.secret), ("", "")):
            with pytest.raises(errors.BadCredentials):
                await bench.store.identity.authenticate_key(key_id, secret)


@pytest.mark.parametrize(
    ("name", "capabilities", "restrictions"),
    [
        ("", ["readFiles"], {}),
        ("x" * 101, ["readFiles"], {}),
        ("under_score", ["readFiles"], {}),
        ("key", [], {}),
        ("key", ["flyToTheMoon"], {}),
        ("key", ["readFiles"], {"valid_s": 0}),
        ("key", ["readFiles"], {"valid_s": limits.KEY_VALID_MAX_S + 1}),
        ("key", ["readFiles"], {"bucket_ids": []}),
        ("key", ["writeKeys"], {"bucket_ids": ["0" * 24]}),
        ("key", ["readFiles"], {"name_prefix": "x" * 1025}),
    ],
)
@asynchronous
async def test_keys_outside_the_rules_are_refused(tmp_path, name, capabilities, restrictions):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await bench.store.identity.keys.create(bench.principal, name, capabilities, **restrictions)


@asynchronous
async def test_keys_are_listed_by_id_without_the_master_and_the_expired(tmp_path):
    async with open_bench(tmp_path) as bench:
        made = [await _key(bench, "readFiles") for _ in range(3)]
        await _key(bench, "readFiles", valid_s=1)
        bench.clock.ms += 1000
        keys = bench.store.identity.keys
        first, following = await keys.list(bench.principal, start_key_id=None, limit=2)
        rest, end = await keys.list(bench.principal, start_key_id=following, limit=10)
        assert [key.key_id for key in first + rest] == [bench.principal.key_id, *(key.key_id for key in made)]
        assert end is None


@asynchronous
async def test_keys_are_found_by_their_names_ids_and_buckets_wherever_in_the_list_they_are(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys = bench.store.identity.keys
        other = await bench.store.buckets.create(bench.principal, "Another-Bucket", "allPrivate")
        reads = ["readFiles"]
        for name, buckets in (
            ("first", None),
            ("Backup-One", None),
            ("of-other", [other.bucket_id]),
            ("backup-two", None),
        ):
            made = await keys.create(bench.principal, name, reads, bucket_ids=buckets)
        secret = (
            await bench.store.identity.memberships.invite(bench.principal, "b@example.com", "objectViewer", None)
        ).secret
        await bench.store.identity.memberships.sign_up(secret, "a quiet long password", "")

        async def found(text, **page):
            listed, following = await keys.list(
                bench.principal, **{"start_key_id": None, "limit": 10, **page}, text=text
            )
            return [key.name for key in listed], following

        assert await found("BACKUP") == (["Backup-One", "backup-two"], None)
        assert await found("another-b") == (["of-other"], None)
        assert await found(made.key_id[-6:].upper()) == (["backup-two"], None)
        assert await found("member") == ([], None)
        assert await found("%") == ([], None)
        one, following = await found("backup", limit=1)
        assert one == ["Backup-One"]
        assert (await found("backup", limit=1, start_key_id=following)) == (["backup-two"], None)


@asynchronous
async def test_secrets_are_in_the_catalog_only_wrapped(tmp_path):
    async with open_bench(tmp_path) as bench:
        secret = bench.principal.key.secret
    stored = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert secret.encode() not in stored
    assert b"a long password" not in stored


@asynchronous
async def test_a_key_that_expires_while_its_upload_arrives_has_uploaded_nothing(tmp_path):
    async with open_bench(tmp_path) as bench:
        key = await _key(bench, "writeFiles", "readFiles", "listFiles", valid_s=60)
        owner, bench.principal = bench.principal, key
        await bench.put("before")
        assert await bench.get("before") == b"data"

        class Slow(Bytes):
            async def chunks(self):
                async for chunk in super().chunks():
                    yield chunk
                bench.clock.ms += 60_000

        with pytest.raises(errors.BadCredentials):
            await bench.store.files.upload(key, bench.bucket, "late", NewFile("text/plain"), Slow(b"late"))
        for attempt in (bench.get("before"), bench.names()):
            with pytest.raises(errors.BadCredentials):
                await attempt
        bench.principal = owner
        assert await bench.names() == ["before"]


@asynchronous
async def test_a_resumed_account_is_known_at_once_to_a_process_that_refused_it(tmp_path):
    clock = SetClock()
    async with open_bench(tmp_path, clock=clock) as bench, open_bench(tmp_path, clock=clock, new=False) as other:
        token = await bench.store.identity.account_token(bench.principal)
        await bench.store.identity.accounts.set_suspended("owner@example.com", True)
        with pytest.raises(errors.BadToken):
            await other.store.identity.principal_of_account_token(token)
        await bench.store.identity.accounts.set_suspended("owner@example.com", False)
        resumed = await other.store.identity.principal_of_account_token(token)
        assert resumed.key_id == bench.principal.key_id


@asynchronous
async def test_a_download_grant_has_a_prefix_no_longer_than_a_name(tmp_path):
    async with open_bench(tmp_path) as bench:
        arguments = {"valid_s": 60, "overrides": {}}
        for prefix in ("n" * limits.FILE_NAME_MAX_BYTES, "ü" * (limits.FILE_NAME_MAX_BYTES // 2)):
            assert await bench.store.identity.download_grant(
                bench.principal, bench.bucket.bucket_id, prefix, **arguments
            )
        for prefix in ("n" * (limits.FILE_NAME_MAX_BYTES + 1), "ü" * (limits.FILE_NAME_MAX_BYTES // 2 + 1)):
            with pytest.raises(errors.InvalidRequest):
                await bench.store.identity.download_grant(bench.principal, bench.bucket.bucket_id, prefix, **arguments)
