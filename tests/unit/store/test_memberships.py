"""Members of accounts: every role against a table of actions, and what ends when a role or a membership does."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import pytest
from msgspec import structs

from harness.asynchronous import asynchronous
from harness.people import Postbox, open_people
from harness.stores import Bytes, open_as_it_is, open_bench
from undercroft import limits
from undercroft.outgoing.mail import MailError
from undercroft.store import dialect, errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.buckets.base import EncryptionChange
from undercroft.store.identity.people import People
from undercroft.store.identity.roles import ROLES
from undercroft.store.identity.sign_in import Browser
from undercroft.store.model import SSE_B2, BucketCaps, NewFile

PASSWORD = "a long enough password"
AT = Browser("203.0.113.7", "a browser")
ALL = frozenset(ROLES)
ADMIN = frozenset({"administrator"})
CREATORS = ADMIN | {"bucketCreator"}
LISTERS = ALL - {"bucketCreator"}
READERS = ADMIN | {"objectManager", "objectViewer"}
WRITERS = ADMIN | {"objectManager", "objectWriter"}
MANAGERS = ADMIN | {"objectManager"}


async def _upload(bench, who):
    await bench.store.files.upload(who, bench.bucket, "new", NewFile("text/plain"), Bytes(b"data"))


async def _delete_version(bench, who):
    version = await bench.put("goes")
    await bench.store.files.delete_version(who, bench.bucket, "goes", str(version.file_id))


async def _hide(bench, who):
    await bench.put("hides")
    await bench.store.files.hide(who, bench.bucket, "hides", dialect.NATIVE)


async def _share(bench, who):
    version = await bench.put("shared")
    await bench.store.identity.version_grant(who, version, 60, {})


async def _bucket(bench, who):
    await bench.store.buckets.create(who, f"made-{abs(hash(who.key.secret))}", "allPrivate")


async def _delete_bucket(bench, who):
    made = await bench.store.buckets.create(bench.principal, "goes-bucket", "allPrivate")
    try:
        await bench.store.buckets.delete(who, made.bucket_id)
    except errors.Unauthorized:
        await bench.store.buckets.delete(bench.principal, made.bucket_id)
        raise


async def _hold(bench, who):
    version = await bench.put("held")
    with suppress(errors.MissingLock):  # It was allowed, and the bucket has no lock.
        await bench.store.files.update_legal_hold(who, bench.bucket, "held", str(version.file_id), on=True)


# What is done, and the roles that may. Whatever else is tried with a role is refused.
ACTIONS = {
    "see buckets": (ALL, lambda bench, who: bench.store.buckets.list(who)),
    "read settings of a bucket": (ALL, lambda bench, who: bench.store.buckets.read(who, bench.bucket.name)),
    "list files": (LISTERS, lambda bench, who: bench.store.files.list_names(who, bench.bucket, limit=10)),
    "download": (READERS, lambda bench, who: bench.store.files.current(who, bench.bucket, "kept")),
    "upload": (WRITERS, _upload),
    "hide": (WRITERS, _hide),
    "delete a version": (MANAGERS, _delete_version),
    "share": (MANAGERS, _share),
    "hold": (ADMIN, _hold),
    "create a bucket": (CREATORS, _bucket),
    "delete a bucket": (ADMIN, _delete_bucket),
    "change a bucket": (
        CREATORS, lambda bench, who: bench.store.buckets.update(who, bench.bucket.bucket_id, info={"a": "b"}),
    ),
    "encrypt a bucket": (
        CREATORS,
        lambda bench, who: bench.store.buckets.set_encryption(who, bench.bucket.bucket_id, EncryptionChange(SSE_B2)),
    ),
    "cap a bucket": (CREATORS, lambda bench, who: bench.store.buckets.set_caps(who, bench.bucket.bucket_id, BucketCaps())),
    "log a bucket": (ADMIN, lambda bench, who: bench.store.buckets.set_logging(who, bench.bucket.bucket_id, None)),
    "set rules of events": (
        ADMIN, lambda bench, who: bench.store.notifications.set_rules(who, bench.bucket.bucket_id, []),
    ),
    "list keys": (ADMIN, lambda bench, who: bench.store.identity.keys.list(who, start_key_id=None, limit=10)),
    "create a key": (ADMIN, lambda bench, who: bench.store.identity.keys.create(who, "more", ["readFiles"])),
    "list members": (ADMIN, lambda bench, who: bench.store.identity.memberships.list(who)),
    "invite": (ADMIN, lambda bench, who: bench.store.identity.memberships.invite(who, "x@example.com", "objectViewer", None)),
}  # fmt: skip
IN_BUCKETS_NOT = {"create a bucket", "delete a bucket", "change a bucket", "cap a bucket", "list keys", "create a key",
                  "list members", "invite", "see buckets"}  # fmt: skip


async def _not_done(action, otherwise):
    await action
    pytest.fail(otherwise)


async def join(bench, role, bucket_ids=None, email="member@example.com"):
    """A new person who is a member, and the secret of a session of theirs in the account."""
    memberships = bench.store.identity.memberships
    secret = (await memberships.invite(bench.principal, email, role, bucket_ids)).secret
    person, account_id = await memberships.sign_up(secret, PASSWORD, "")
    session = await bench.store.identity.sign_in.after_sign_up(person, AT)
    await bench.store.identity.sessions.enter(session, person.account_id, account_id)
    return person, session


async def signed_in(bench, session):
    return await bench.store.identity.sessions.find(session, address="203.0.113.7")


@pytest.mark.parametrize("role", ROLES)
@asynchronous
async def test_a_role_may_do_what_the_table_says_and_nothing_else(tmp_path, role):
    async with open_bench(tmp_path) as bench:
        await bench.put("kept")
        _, session = await join(bench, role)
        who = (await signed_in(bench, session)).principal
        for action, (roles, act) in ACTIONS.items():
            if role in roles:
                await act(bench, who)
            else:
                with pytest.raises(errors.Unauthorized):
                    await _not_done(act(bench, who), f"{role} may {action}")


@pytest.mark.parametrize("role", sorted(ALL - {"bucketCreator"}))
@asynchronous
async def test_a_role_in_certain_buckets_reaches_no_other_and_not_the_account(tmp_path, role):
    async with open_bench(tmp_path) as bench:
        await bench.put("kept")
        other = await bench.store.buckets.create(bench.principal, "other-bucket", "allPrivate")
        _, session = await join(bench, role, [bench.bucket.bucket_id])
        who = (await signed_in(bench, session)).principal
        assert [bucket.name for bucket in await bench.store.buckets.list(who, lenient=True)] == [bench.bucket.name]
        for action, (roles, act) in ACTIONS.items():
            if role in roles and action not in IN_BUCKETS_NOT:
                await act(bench, who)
            elif action != "see buckets":
                with pytest.raises(errors.Unauthorized):
                    await _not_done(act(bench, who), f"{role} may {action}")
        with pytest.raises(errors.Unauthorized):
            await bench.store.files.list_names(who, other, limit=10)
        with pytest.raises(errors.Unauthorized):
            await bench.store.buckets.read(who, other.name)


@asynchronous
async def test_another_role_holds_at_once_in_every_process_and_ends_what_was_got_under_the_old_one(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        identity = bench.store.identity
        _, session = await join(bench, "objectManager")
        who = (await signed_in(bench, session)).principal
        path = "/b2api/v4/b2_upload_file"
        upload = await identity.upload_address(who, path, bench.bucket.bucket_id)
        assert await other.store.identity.principal_of_upload_token(upload.token, upload.path)
        await identity.memberships.change(bench.principal, "member@example.com", "objectViewer", None)
        for process in (bench, other):
            with pytest.raises(errors.BadCredentials):
                await process.store.files.list_names(who, bench.bucket, limit=1)
            with pytest.raises(errors.BadToken):
                await process.store.identity.principal_of_upload_token(upload.token, upload.path)
            now = await signed_in(process, session)
            assert not now.principal.can("writeFiles")
            assert now.principal.can("readFiles")


@asynchronous
async def test_a_member_who_is_removed_is_out_at_once_and_keeps_an_account_of_their_own(tmp_path):
    async with open_bench(tmp_path) as bench, open_as_it_is(tmp_path, bench.clock) as other:
        identity = bench.store.identity
        person, session = await join(bench, "administrator")
        own = await identity.sign_in.after_sign_up(person, AT)
        who = (await signed_in(other, session)).principal
        token = await identity.account_token(who)
        alerts = other.store.accounting.alert_settings
        await identity.memberships.remove(bench.principal, "member@example.com")
        for process in (bench, other):
            assert await signed_in(process, session) is None
            assert (await signed_in(process, own)).account.email == "member@example.com"
            with pytest.raises(errors.BadToken):
                await process.store.identity.principal_of_account_token(token)
            with pytest.raises(errors.BadCredentials):
                await process.store.buckets.list(who)
        with pytest.raises(errors.BadCredentials):
            await alerts.change_own(who, AlertSettings(addresses=("member@example.com",)), None)
        with pytest.raises(errors.Unauthorized):
            await identity.sessions.enter(own, person.account_id, bench.bucket.account_id)
        assert await identity.memberships.list(bench.principal) == []
        assert not await identity.memberships.of_person(person.account_id)


@asynchronous
async def test_who_comes_back_begins_anew_and_not_in_a_session_of_before(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        person, session = await join(bench, "objectViewer")
        await identity.memberships.remove(bench.principal, "member@example.com")
        secret = (await identity.memberships.invite(bench.principal, "member@example.com", "objectViewer", None)).secret
        await identity.memberships.accept(secret, person)
        assert await signed_in(bench, session) is None
        own = await identity.sign_in.after_sign_up(person, AT)
        await identity.sessions.enter(own, person.account_id, bench.bucket.account_id)
        assert (await signed_in(bench, own)).principal.can("readFiles")


@asynchronous
async def test_an_invitation_is_for_one_address_works_once_and_can_be_taken_back(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        invite = identity.memberships.invite
        other = (await identity.accounts.create("other@example.com", PASSWORD)).account
        first = (await invite(bench.principal, "Known@Example.com", "objectViewer", None)).secret
        secret = (await invite(bench.principal, "known@example.com", "objectWriter", None)).secret
        with pytest.raises(errors.BadLink):  # The later one is in the first one's place.
            await identity.memberships.look_at(first)
        with pytest.raises(errors.InvalidRequest, match=r"known@example\.com"):
            await identity.memberships.accept(secret, other)
        known = (await identity.accounts.create("known@example.com", PASSWORD)).account
        assert (await identity.memberships.look_at(secret)).has_account
        assert await identity.memberships.accept(secret, known) == bench.bucket.account_id
        with pytest.raises(errors.BadLink):
            await identity.memberships.accept(secret, known)
        [membership] = await identity.memberships.of_person(known.account_id)
        assert (membership.owner_email, membership.role) == ("owner@example.com", "objectWriter")
        back = (await invite(bench.principal, "late@example.com", "objectViewer", None)).secret
        await identity.memberships.remove(bench.principal, "late@example.com")
        with pytest.raises(errors.BadLink):
            await identity.memberships.sign_up(back, PASSWORD, "")
        bench.clock.ms += limits.INVITATION_VALID_S * 1000
        for email in ("owner@example.com", "known@example.com", "no address"):
            with pytest.raises(errors.InvalidRequest):
                await invite(bench.principal, email, "objectViewer", None)


@pytest.mark.parametrize(("role", "bucket_ids"), [("owner", None), ("objectViewer", []), ("bucketCreator", ["x"])])
@asynchronous
async def test_a_role_that_is_none_and_buckets_that_it_cannot_have_are_refused(tmp_path, role, bucket_ids):
    async with open_bench(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await bench.store.identity.memberships.invite(bench.principal, "m@example.com", role, bucket_ids)


@asynchronous
async def test_buckets_are_the_accounts_own_and_members_are_no_more_than_there_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MEMBERS_PER_ACCOUNT", 2)
    async with open_bench(tmp_path) as bench:
        memberships = bench.store.identity.memberships
        invite = memberships.invite
        with pytest.raises(errors.NoSuchBucket):
            await invite(bench.principal, "m@example.com", "objectViewer", ["0" * 24])
        for number in range(2):
            await invite(bench.principal, f"m{number}@example.com", "objectViewer", None)
        with pytest.raises(errors.NoSuchBucket):
            await memberships.change(bench.principal, "m0@example.com", "objectViewer", ["0" * 24])
        with pytest.raises(errors.InvalidRequest, match="at most 2"):
            await invite(bench.principal, "m2@example.com", "objectViewer", None)


@asynchronous
async def test_a_person_is_a_member_of_no_more_accounts_than_one_may_be(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MEMBERSHIPS_PER_PERSON", 1)
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        person, _ = await join(bench, "objectViewer")
        other = (await identity.accounts.create("other@example.com", PASSWORD)).account
        owner = await identity.accounts.operator(other.account_id)
        secret = (await identity.memberships.invite(owner, person.email, "objectViewer", None)).secret
        with pytest.raises(errors.InvalidRequest, match="at most 1"):
            await identity.memberships.accept(secret, person)
        assert len(await identity.memberships.of_person(person.account_id)) == 1


@asynchronous
async def test_keys_of_members_are_in_no_list_and_go_with_the_person_or_the_account(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        before, _ = await identity.keys.list(bench.principal, start_key_id=None, limit=100)
        person, session = await join(bench, "objectViewer")
        after, _ = await identity.keys.list(bench.principal, start_key_id=None, limit=100)
        assert before == after
        who = (await signed_in(bench, session)).principal
        await identity.accounts.delete(person.account_id)
        with pytest.raises(errors.BadCredentials):
            await bench.store.buckets.list(who)
        assert await identity.memberships.list(bench.principal) == []


@asynchronous
async def test_two_who_accept_one_invitation_at_once_are_one_member(tmp_path):
    async with open_bench(tmp_path) as bench:
        memberships = bench.store.identity.memberships
        person = (await bench.store.identity.accounts.create("m@example.com", PASSWORD)).account
        secret = (await memberships.invite(bench.principal, "m@example.com", "objectViewer", None)).secret
        outcomes = await asyncio.gather(*(memberships.accept(secret, person) for _ in range(2)), return_exceptions=True)
        assert {type(outcome) for outcome in outcomes} == {str, errors.BadLink}


@asynchronous
async def test_the_key_of_a_member_is_found_rotated_and_deleted_by_nobody_who_knows_its_id(tmp_path):
    async with open_bench(tmp_path) as bench:
        keys = bench.store.identity.keys
        _, session = await join(bench, "objectViewer")
        key_id = (await signed_in(bench, session)).principal.key_id
        for attempt in (
            lambda: keys.find(bench.principal, key_id),
            lambda: keys.rotate(bench.principal, key_id, retire_after_s=1),
            lambda: keys.delete(bench.principal, key_id),
        ):
            with pytest.raises(errors.NoSuchKey):
                await attempt()
        assert await signed_in(bench, session) is not None


@asynchronous
async def test_nobody_is_sent_invitations_without_end(tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MEMBERS_INVITED_OF_ACCOUNT", limits.RESETS_OF_ACCOUNT + 1)
    box = Postbox()
    async with open_bench(tmp_path, people=People(mailer=box)) as bench:
        invite = bench.store.identity.memberships.invite
        for email, count in (("victim@example.com", limits.RESETS_OF_ACCOUNT), ("another@example.com", 0)):
            for _ in range(count):
                await invite(bench.principal, email, "objectViewer", None)
            with pytest.raises(errors.TooManyAttempts):
                await invite(bench.principal, email, "objectViewer", None)
        await bench.store.identity.letters.sent()
        assert [mail.to for mail in box.mails] == ["victim@example.com"] * limits.RESETS_OF_ACCOUNT
        bench.clock.ms += limits.ATTEMPTS_WINDOW_S * 1000
        await invite(bench.principal, "another@example.com", "objectViewer", None)


@asynchronous
async def test_what_a_suspended_member_got_stops_working_until_the_person_is_resumed(tmp_path):
    async with open_bench(tmp_path) as bench:
        identity = bench.store.identity
        person, session = await join(bench, "objectManager")
        who = (await signed_in(bench, session)).principal
        upload = await identity.upload_address(who, "/b2api/v4/b2_upload_file", bench.bucket.bucket_id)
        grant = await identity.version_grant(who, await bench.put("kept"), 60, {})
        await identity.accounts.set_suspended(person.account_id, True)
        with pytest.raises(errors.BadCredentials):
            await bench.store.files.list_names(who, bench.bucket, limit=1)
        with pytest.raises(errors.BadToken):
            await identity.principal_of_upload_token(upload.token, upload.path)
        with pytest.raises(errors.BadToken):
            await identity.principal_of_download_token(grant)
        assert [one.is_suspended for one in await identity.memberships.list(bench.principal)] == [True]
        await identity.accounts.set_suspended(person.account_id, False)
        assert [one.is_suspended for one in await identity.memberships.list(bench.principal)] == [False]
        assert await bench.store.files.list_names(who, bench.bucket, limit=1)
        assert await identity.principal_of_upload_token(upload.token, upload.path)


@pytest.mark.parametrize("mode", ["closed", "invitation", "open"])
@asynchronous
async def test_an_account_made_for_a_membership_has_storage_of_its_own_only_where_anybody_may(tmp_path, mode):
    async with open_bench(tmp_path, people=People(sign_up=mode)) as bench:
        identity = bench.store.identity
        person, _ = await join(bench, "objectViewer")
        if mode != "open":
            with pytest.raises(errors.InvalidRequest, match="operator decides"):
                await identity.products.enable(person.account_id, identity.products.terms.version)
        else:
            await identity.products.enable(person.account_id, identity.products.terms.version)
        assert (await identity.products.of(person.account_id)).is_enabled == (mode == "open")


@asynchronous
async def test_one_person_is_one_member_and_no_owner_is_one_whatever_their_address_is_by_now(tmp_path):
    async with open_bench(tmp_path) as bench:
        accounts, memberships = bench.store.identity.accounts, bench.store.identity.memberships
        person, session = await join(bench, "objectViewer")
        for account_id, email in (
            (person.account_id, "other@example.com"),
            (bench.bucket.account_id, "new@example.com"),
        ):
            secret = (await memberships.invite(bench.principal, email, "administrator", None)).secret
            found = await accounts.find(account_id)
            with pytest.raises(errors.InvalidRequest, match="already"):
                await memberships.accept(secret, structs.replace(found, email=email))
        assert not (await signed_in(bench, session)).principal.can("writeKeys")


@asynchronous
async def test_who_invites_is_told_whether_the_link_was_mailed(tmp_path):
    class Broken(Postbox):
        async def send(self, mail):
            raise MailError("No.")

    for box, is_mailed in ((Postbox(), True), (Broken(), False), (None, False)):
        folder = tmp_path / f"{type(box).__name__}"
        async with open_people(folder, mailer=box) as bench:
            made = await bench.store.identity.memberships.invite(bench.principal, "m@example.com", "objectViewer", None)
            assert made.is_mailed == is_mailed
            assert (await bench.store.identity.memberships.look_at(made.secret)).email == "m@example.com"
            if is_mailed:
                assert made.secret in box.mails[-1].text
