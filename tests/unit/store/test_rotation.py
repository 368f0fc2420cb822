"""Changing the master key: while others write, cut off at any step, and what copies and moves make of it."""

from __future__ import annotations

import base64
import os
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from unittest.mock import patch

import apsw
import pytest
from pyotp import TOTP

from harness import notifications, replication
from harness.asynchronous import asynchronous
from harness.customer_keys import KEY
from harness.stores import Bench, Bytes, SetClock, open_bench, sha1
from undercroft import keyring
from undercroft.catalog import replication_targets
from undercroft.keyring import KeyringError
from undercroft.keyring.master_keys import MasterKeyFile
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.model import SSE_B2, ByteRange, NewFile
from undercroft.store.work import rotation

SMALL, LARGE = b"in the catalog " * 50, b"in a blob " * 9000
ENCRYPTED = NewFile("text/plain", encryption=SSE_B2)
PASSWORD = "a long password"


def prefixes(folder: Path) -> set[str]:
    """What tells the master keys that anything in the catalog is under, in hex."""
    with closing(apsw.Connection(str(folder / "catalog.db"))) as catalog:
        rows = catalog.execute(
            "SELECT wrapped_secret FROM keys UNION ALL SELECT wrapped_secret FROM signing_keys UNION ALL"
            " SELECT wrapped_key FROM extents WHERE wrapped_key IS NOT NULL"
        ).fetchall()
    return {wrapped[1:5].hex() for (wrapped,) in rows if wrapped[0] == 2}


async def filled(bench: Bench) -> dict[str, bytes]:
    """Some of everything that is wrapped; the contents by name."""
    contents = {}
    for number in range(4):
        for data in (SMALL, LARGE):
            name = f"{number}-{len(data)}"
            await bench.put(name, data, new=ENCRYPTED)
            contents[name] = data
    await bench.store.identity.account_token(bench.principal)
    return contents


async def check(bench: Bench, contents: dict[str, bytes]) -> None:
    for name, data in contents.items():
        assert await bench.get(name) == data, name


@asynchronous
async def test_everything_comes_under_the_new_key_and_the_old_one_is_gone(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        contents = await filled(bench)
        token = await bench.store.identity.account_token(bench.principal)
        version = await bench.put("secret", LARGE, new=NewFile("t/t", encryption=KEY.store))
        [old] = bench.store.work.rotation.key_ids
        old_file = (folder / "master.key").read_bytes()
        rotated = await bench.store.work.rotation.run()
        [new] = bench.store.work.rotation.key_ids
        assert new != old
        assert prefixes(folder) == {new}
        assert (*rotated,) == (1, 2, len(contents), 0, 0, 0, 0)
        await check(bench, contents)
        assert await bench.store.files.read(version, 0, 5, KEY.store) == LARGE[:5]
        assert (await bench.store.identity.principal_of_account_token(token)).key_id == bench.principal.key_id
    file = (folder / "master.key").read_bytes()
    assert len(file.split()) == 1
    assert file != old_file
    assert (folder / "master.key").stat().st_mode & 0o777 == 0o600
    (folder / "master.key").write_bytes(old_file)
    async with open_bench(folder, new=False) as bench:
        with pytest.raises(KeyringError, match="does not open"):
            await bench.store.identity.accounts.operator("owner@example.com")


@asynchronous
async def test_where_events_go_is_rewrapped_with_the_rest_and_known_to_other_processes(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as mine, open_bench(folder, new=False) as theirs:
        wanted = [
            notifications.rule("rule-one", object_name_prefix="out/"),
            notifications.rule("rule-two", object_name_prefix="in/"),
        ]
        set_ = await mine.store.notifications.set_rules(mine.principal, mine.bucket.bucket_id, wanted)
        assert await theirs.store.notifications.rules(mine.principal, mine.bucket.bucket_id) == set_
        assert (await mine.store.work.rotation.run()).targets == 2
        for bench in (theirs, mine):
            assert await bench.store.notifications.rules(mine.principal, mine.bucket.bucket_id) == set_
        assert (await theirs.store.work.rotation.run()).targets == 2
    async with open_bench(folder, new=False) as bench:
        assert await bench.store.notifications.rules(mine.principal, mine.bucket.bucket_id) == set_


@pytest.mark.parametrize("page", [1, 2, 100])
@asynchronous
async def test_where_events_of_deleted_buckets_go_is_rewrapped_too_and_they_are_delivered(tmp_path, page):
    folder, inbox = tmp_path / "data", notifications.Inbox()
    async with open_bench(folder, visit=inbox) as bench:
        wanted = [notifications.rule(f"rule-{name}", object_name_prefix=name) for name in "abc"]
        await notifications.set_rules(bench, *wanted)
        for name in "abc":
            version = await bench.put(name)
            await bench.store.files.delete_version(bench.principal, bench.bucket, name, str(version.file_id))
        await bench.store.buckets.delete(bench.principal, bench.bucket.bucket_id)
        with patch.object(rotation.limits, "REWRAP_PAGE", page):
            assert (await bench.store.work.rotation.run()).targets == 3
        clock = bench.clock
    async with open_bench(folder, new=False, clock=clock, visit=inbox) as bench:
        await notifications.deliver(bench)
    assert sorted(name for _, name in inbox.heard) == ["a", "a", "b", "b", "c", "c"]


@asynchronous
async def test_other_processes_go_on_before_during_and_after(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as mine, open_bench(folder, new=False) as theirs:
        theirs.principal, theirs.bucket = mine.principal, mine.bucket
        contents = await filled(mine)
        await check(theirs, contents)
        await theirs.put("first", SMALL, new=ENCRYPTED)  # Its data key goes on to serve, under the new master key.

        # One that began under the old key commits in the middle of the change: it comes under the new one.
        class Slow(Bytes):
            async def chunks(self):
                yield self.data[:10]
                with patch.object(MasterKeyFile, "end_change"):
                    await mine.store.work.rotation.run()
                yield self.data[10:]

        await theirs.store.files.upload(theirs.principal, theirs.bucket, "slow", ENCRYPTED, Slow(LARGE))
        contents["slow"] = LARGE
        assert len(mine.store.work.rotation.key_ids) == 2
        assert prefixes(folder) == {mine.store.work.rotation.key_ids[0]}
        # So does whatever they make from now on, without having been asked for anything before.
        await theirs.put("second", SMALL, new=ENCRYPTED)
        contents |= {"first": SMALL, "second": SMALL}
        await theirs.store.identity.accounts.create("second@example.com", PASSWORD)
        await theirs.store.identity.keys.create(theirs.principal, "a-key", ["listFiles"])
        assert prefixes(folder) == {mine.store.work.rotation.key_ids[0]}
        await mine.store.work.rotation.run()
        for bench in (mine, theirs):
            await check(bench, contents)
        await theirs.put("after", SMALL, new=ENCRYPTED)
        assert prefixes(folder) == set(mine.store.work.rotation.key_ids) == set(theirs.store.work.rotation.key_ids)


class CutOff(Exception):
    """The process is killed here."""


STEPS: dict[str, Callable[[], object]] = {
    "before the new key": lambda: patch.object(MasterKeyFile, "begin_change", side_effect=CutOff),
    "before anybody is told": lambda: patch.object(rotation.Rotation, "_tell_everyone", side_effect=CutOff),
    "before the signing keys": lambda: patch.object(rotation.Rotation, "_rewrap_signing_keys", side_effect=CutOff),
    "before the application keys": lambda: patch.object(
        rotation.Rotation, "_rewrap_application_keys", side_effect=CutOff
    ),
    "before the data keys": lambda: patch.object(rotation.Rotation, "_rewrap_data_keys", side_effect=CutOff),
    "among the data keys": lambda: patch.object(rotation, "rewrap", side_effect=CutOff),
    "before the old key goes": lambda: patch.object(MasterKeyFile, "end_change", side_effect=CutOff),
}


@pytest.mark.parametrize("step", STEPS)
@asynchronous
async def test_a_change_that_was_cut_off_leaves_everything_readable_and_is_gone_on_with(tmp_path, step):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        principal, bucket = bench.principal, bench.bucket
        contents = await filled(bench)
        with STEPS[step](), pytest.raises(CutOff):
            await bench.store.work.rotation.run()
        begun = bench.store.work.rotation.key_ids
    async with open_bench(folder, new=False) as bench:
        bench.principal, bench.bucket = principal, bucket
        await check(bench, contents)
        await bench.put("meanwhile", LARGE, new=ENCRYPTED)
        await bench.store.work.rotation.run()
        [key_id] = bench.store.work.rotation.key_ids
        assert prefixes(folder) == {key_id}
        if step == "before the old key goes":
            assert key_id == begun[0]  # The same change, and no second one.
        await check(bench, {**contents, "meanwhile": LARGE})


@pytest.mark.parametrize("page", [1, 2, 3, 100])
@asynchronous
async def test_pages_of_any_size_leave_nothing_out(tmp_path, page):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        contents = await filled(bench)
        with patch.object(rotation.limits, "REWRAP_PAGE", page):
            rotated = await bench.store.work.rotation.run()
        assert rotated.data_keys == len(contents)
        assert prefixes(folder) == set(bench.store.work.rotation.key_ids)
        await check(bench, contents)


@asynchronous
async def test_what_is_copied_or_put_together_behind_the_walk_comes_under_the_new_key_too(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        files, principal, bucket = bench.store.files, bench.principal, bench.bucket
        contents = await filled(bench)
        parts = [bytes(5_000_000), SMALL]
        large = await files.start_large_file(principal, bucket, "large", ENCRYPTED)
        for number, data in enumerate(parts, 1):
            await files.upload_part(principal, bucket, large, number, Bytes(data))
        with patch.object(rotation.Rotation, "_walk", side_effect=CutOff), pytest.raises(CutOff):
            await bench.store.work.rotation.run()
        new, old = bench.store.work.rotation.key_ids
        assert prefixes(folder) == {old}
        handles = {}
        for name in (f"0-{len(SMALL)}", f"0-{len(LARGE)}"):
            source = await files.current(principal, bucket, name)
            for asked in (None, ByteRange(7, 700)):
                copy = await files.copy(
                    principal, source, bucket, f"copy of {name} {asked}", ENCRYPTED, byte_range=asked
                )
                contents[copy.name] = await bench.get(name) if asked is None else (await bench.get(name))[7:701]
                handles[copy.name] = copy.file_id.handle
        finished = await files.finish_native(principal, bucket, large, [sha1(data) for data in parts])
        handles["large"], contents["large"] = finished.file_id.handle, b"".join(parts)
        with closing(apsw.Connection(str(folder / "catalog.db"))) as catalog:
            for name, handle in handles.items():
                rows = catalog.execute("SELECT wrapped_key FROM extents WHERE handle = ?", (handle,)).fetchall()
                assert {wrapped[1:5].hex() for (wrapped,) in rows} == {new}, name
        await check(bench, contents)


@asynchronous
async def test_replicas_that_are_made_behind_the_walk_are_under_the_new_key(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        pair = await replication.replicated(bench)
        contents = {f"{len(data)}": data for data in (SMALL, LARGE)}
        versions = [await bench.put(name, data, new=ENCRYPTED) for name, data in contents.items()]
        with patch.object(rotation.Rotation, "_walk", side_effect=CutOff), pytest.raises(CutOff):
            await bench.store.work.rotation.run()
        new, _ = bench.store.work.rotation.key_ids
        await bench.store.work.replication.run()
        with closing(apsw.Connection(str(folder / "catalog.db"))) as catalog:
            for version in versions:  # A replica has the handle of its source.
                found = catalog.execute(
                    "SELECT wrapped_key FROM extents WHERE bucket_id = ? AND handle = ?",
                    (pair.destination.bucket_id, version.file_id.handle),
                ).fetchall()
                assert {wrapped[1:5].hex() for (wrapped,) in found} == {new}
        bench.bucket = pair.destination
        await check(bench, contents)


@asynchronous
async def test_the_keys_of_replication_targets_are_rewrapped_with_the_rest(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        account = await bench.store.identity.accounts.find(bench.principal.account_id)
        targets = bench.store.replication_targets
        made = await targets.add(
            account, "far", endpoint="https://far.example.com", key_id="id", key="the key", bucket_name="a-bucket"
        )
        assert (await bench.store.work.rotation.run()).replication_targets == 1
        assert (await bench.store.work.rotation.run()).replication_targets == 1
    async with open_bench(folder, new=False) as bench:
        row = await replication_targets.find(bench.catalog.rows, made.target_id)
        assert bench.store.replication_targets.key_of(row) == "the key"


@asynchronous
async def test_secrets_of_the_first_releases_open_and_get_the_new_form(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        account_id = bench.principal.account_id
        ring = keyring.load_or_create(folder / "master.key")

        async def make_old(tx):
            for key_id, wrapped in await tx.all("SELECT key_id, wrapped_secret FROM keys"):
                secret = ring.unwrap(wrapped, f"key:{key_id}")
                nonce = os.urandom(12)
                old = b"\x01" + nonce + ring._keys.current.encrypt(nonce, secret, f"key:{key_id}".encode())
                await tx.run("UPDATE keys SET wrapped_secret = ?2 WHERE key_id = ?1", (key_id, old))

        await bench.catalog.write(make_old)
        before = await bench.store.identity.accounts.operator(account_id)
        assert (await bench.store.work.rotation.run()).application_keys == 2
        after = await bench.store.identity.accounts.operator(account_id)
        assert before.key is not None
        assert after.key is not None
        assert after.key.secret == before.key.secret
        assert prefixes(folder) == set(bench.store.work.rotation.key_ids)


@asynchronous
async def test_two_commands_do_not_change_the_key_at_once(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as mine, open_bench(folder, new=False, clock=SetClock()) as theirs:
        with MasterKeyFile(folder / "master.key").changing(), pytest.raises(KeyringError, match="another command"):
            await theirs.store.work.rotation.run()
        assert (await mine.store.work.rotation.run()).application_keys == 2


@asynchronous
async def test_a_key_in_a_variable_is_changed_by_whoever_sets_the_variable(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        contents = await filled(bench)
        principal, bucket = bench.principal, bench.bucket
    old = (folder / "master.key").read_text().strip()
    new = base64.b64encode(os.urandom(32)).decode()

    def opened_with(variable: str):
        ring = keyring.load_or_create(folder / "unused", encoded=variable)
        return patch("harness.stores.keyring.load_or_create", return_value=ring)

    with opened_with(old):
        async with open_bench(folder, new=False) as bench:
            with pytest.raises(KeyringError, match="comes from a variable"):
                await bench.store.work.rotation.run()
    with opened_with(f"{new},{old}"):
        async with open_bench(folder, new=False) as bench:
            assert (await bench.store.work.rotation.run()).data_keys == len(contents)
    with opened_with(new):
        async with open_bench(folder, new=False) as bench:
            bench.principal, bench.bucket = principal, bucket
            await check(bench, contents)


@asynchronous
async def test_the_secret_of_an_authenticator_app_is_rewrapped_and_its_codes_go_on_to_work(tmp_path):
    folder = tmp_path / "data"
    async with open_bench(folder) as bench:
        factors, account_id = bench.store.identity.second_factors, bench.bucket.account_id
        secret = (await factors.enroll(account_id, "owner@example.com", "Undercroft")).secret
        assert (await bench.store.work.rotation.run()).second_factors == 1
    async with open_bench(folder, new=False) as bench:
        factors = bench.store.identity.second_factors
        assert (await factors.enroll(account_id, "owner@example.com", "Undercroft")).secret == secret
        proof = await bench.store.identity.sign_in.confirm_password(account_id, PASSWORD)
        assert len(await factors.confirm(proof, TOTP(secret).at(bench.clock.ms // 1000))) == 10


@asynchronous
async def test_where_alerts_go_is_rewrapped_and_they_go_on_to_go_there(tmp_path):
    folder = tmp_path / "data"
    target = Target("https://hooks.example.com/in?token=hush", signing_secret=notifications.SECRET)
    async with open_bench(folder) as bench:
        account_id = bench.bucket.account_id
        await bench.store.accounting.alert_settings.change_own(bench.principal, AlertSettings(), target)
        assert (await bench.store.work.rotation.run()).alert_webhooks == 1
        assert (await bench.store.work.rotation.run()).alert_webhooks == 1
    async with open_bench(folder, new=False) as bench:
        assert (await bench.store.accounting.alert_settings.of(account_id)).webhook == target
