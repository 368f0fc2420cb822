"""b2_reserve_trial_create_account: accounts for a time, made by whoever administers groups, all of a request or none."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.native_face import open_face
from harness.stores import START_MS, Bytes
from undercroft import limits
from undercroft.store import errors
from undercroft.store.accounting.model import DAY_MS
from undercroft.store.identity.audit import Filter
from undercroft.store.identity.principals import Principal
from undercroft.store.identity.trials import Order
from undercroft.store.model import NewFile

TB = 10**12


@asynccontextmanager
async def partner(folder):
    """A face whose account administers a group."""
    async with open_face(folder) as face:
        await face.bench.store.identity.groups.create(face.bench.bucket.account_id, "customers")
        yield face


def order(email="a@example.com", term=7, storage=1, **more):
    return {"email": email, "term": term, "storage": storage, **more}


async def reserve(face, *orders, token=None, method="POST"):
    """The answer's JSON, or status and code of an error."""
    headers = {"Authorization": face.token if token is None else token}
    body = json.dumps(orders).encode() if method == "POST" else b""
    answer = await face.send(method, "/b2api/v3/b2_reserve_trial_create_account", headers, [body])
    found = json.loads(answer.body)
    return found if answer.status == 200 else (answer.status, found["code"])


async def account_count(face):
    return len(await face.bench.store.identity.accounts.list())


async def account(face, email="a@example.com"):
    return await face.bench.store.identity.accounts.find(email)


# -- The answer -------------------------------------------------------------------------------------------------------
@asynchronous
async def test_each_entry_is_answered_in_its_place_with_an_account_and_a_key_that_work(tmp_path):
    async with partner(tmp_path) as face:
        answer = await reserve(face, order("B@Example.com", 30, 50, region="us-west"), order("a@example.com"))
        assert [{**entry, "accountId": "", "applicationKey": "", "applicationKeyId": ""} for entry in answer] == [
            {
                "accountId": "", "applicationKey": "", "applicationKeyId": "", "email": email, "region": "us-west",
                "s3Endpoint": "https://b2.example.com", "storage": storage, "term": term,
                "trialEndTimestamp": START_MS + term * DAY_MS,
            }
            for email, term, storage in (("b@example.com", 30, 50), ("a@example.com", 7, 1))
        ]  # fmt: skip
        for entry in answer:
            authorized = await face.authorize(made=entry)
            assert authorized["accountId"] == entry["accountId"]
            bucket = {
                "accountId": entry["accountId"],
                "bucketName": f"trial-{entry['term']}",
                "bucketType": "allPrivate",
            }
            made = await face.call("b2_create_bucket", token=authorized["authorizationToken"], **bucket)
            assert made["accountId"] == entry["accountId"], "B2 is enabled."


@asynchronous
async def test_a_trial_account_stores_so_many_terabytes_and_is_of_no_group(tmp_path):
    async with partner(tmp_path) as face:
        [made] = await reserve(face, order(storage=3))
        caps = await face.bench.store.accounting.caps.of_operator(made["accountId"])
        assert (caps.storage, caps.download, caps.class_b, caps.class_c) == (3 * TB, None, None, None)
        assert [members for _, members in await face.bench.store.identity.groups.every()] == [0]


# -- Who may ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_who_administers_no_group_or_has_a_lesser_key_makes_no_trial_account(tmp_path):
    async with open_face(tmp_path) as face:
        assert await reserve(face, order()) == (401, "unauthorized")
        account_id = face.bench.bucket.account_id
        await face.bench.store.identity.groups.create(account_id, "customers")
        for restriction in ({"capabilities": ["listKeys"]}, {"capabilities": ["writeKeys"], "namePrefix": "a/"}):
            made = await face.call("b2_create_key", accountId=account_id, keyName="k", **restriction)
            token = (await face.authorize(made=made))["authorizationToken"]
            assert await reserve(face, order(), token=token) == (401, "unauthorized")
        assert await account_count(face) == 1


# -- What is refused, all of it ---------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        (order("b@example.com", term=6), (400, "bad_request")),
        (order("b@example.com", term=31), (400, "bad_request")),
        (order("b@example.com", term=7.5), (400, "bad_request")),
        (order("b@example.com", term="7"), (400, "bad_request")),
        (order("b@example.com", term=None), (400, "bad_request")),
        (order("b@example.com", storage=0), (400, "bad_request")),
        (order("b@example.com", storage=51), (400, "bad_request")),
        (order("b@example.com", storage=True), (400, "bad_request")),
        (order("b@example.com", storage=2**70), (400, "bad_request")),
        (order("b@example.com", bogus=1), (400, "bad_request")),
        ({"email": "b@example.com", "term": 7}, (400, "bad_request")),
        ("b@example.com", (400, "bad_request")),
        (order(None), (400, "bad_request")),
        (order(""), (401, "invalid_email")),
        (order("nobody"), (401, "invalid_email")),
        (order("A@example.com "), (401, "invalid_email")),
        (order("OWNER@example.com"), (401, "invalid_email")),
        (order("b@example.com", region="eu-central"), (401, "invalid_region")),
        (order("b@example.com", region=""), (401, "invalid_region")),
    ],
)
@asynchronous
async def test_one_entry_that_is_wrong_is_refused_in_its_own_words_and_no_account_is_made(tmp_path, wrong, refusal):
    async with partner(tmp_path) as face:
        assert await reserve(face, order("a@example.com"), wrong) == refusal
        assert await account_count(face) == 1


@asynchronous
async def test_a_refusal_says_which_entry_is_wrong_and_why(tmp_path):
    async with partner(tmp_path) as face:
        create, principal = face.bench.store.identity.trials.create, face.bench.principal
        fine = Order("a@example.com", 7, 1)
        for wrong, message in (
            (Order("A@example.com", 7, 1), "email of account 2: a@example.com is there twice"),
            (Order("b", 7, 1), "email of account 2: This is not an e-mail address"),
            (Order("b@example.com", 6, 1), "term of account 2 is from 7 to 30 days, not 6"),
            (Order("b@example.com", 7, 51), "storage of account 2 is from 1 to 50 TB, not 51"),
        ):
            with pytest.raises((errors.InvalidRequest, errors.DuplicateEmail), match=message):
                await create(principal, [fine, wrong])


@pytest.mark.parametrize("edge", [order(term=7), order(term=30), order(storage=1), order(storage=50)])
@asynchronous
async def test_terms_and_amounts_at_their_limits_are_taken(tmp_path, edge):
    async with partner(tmp_path) as face:
        [made] = await reserve(face, edge)
        assert (made["term"], made["storage"]) == (edge["term"], edge["storage"])


@asynchronous
async def test_a_request_has_one_to_so_many_entries(tmp_path):
    async with partner(tmp_path) as face:
        most = limits.TRIALS_AT_ONCE_MAX
        orders = [order(f"m{number}@example.com") for number in range(most + 1)]
        assert await reserve(face) == (400, "bad_request")
        assert await reserve(face, *orders) == (400, "bad_request")
        assert await account_count(face) == 1
        assert [entry["email"] for entry in await reserve(face, *orders[:-1])] == [one["email"] for one in orders[:-1]]


@asynchronous
async def test_what_is_no_array_is_refused_and_so_is_get(tmp_path):
    async with partner(tmp_path) as face:
        assert await face.call("b2_reserve_trial_create_account", **order()) == (400, "bad_request")
        assert await face.call("b2_reserve_trial_create_account") == (400, "bad_request")
        assert await reserve(face, method="GET") == (405, "method_not_allowed")


@asynchronous
async def test_nobody_has_more_trial_accounts_made_than_there_may_be_ended_ones_included(tmp_path):
    async with partner(tmp_path) as face:
        with mock.patch.object(limits, "TRIALS_MAX", 2):
            assert len(await reserve(face, order())) == 1
            assert await reserve(face, order("b@example.com"), order("c@example.com")) == (401, "too_many_members")
            assert len(await reserve(face, order("b@example.com"))) == 1
            face.bench.clock.ms += 7 * DAY_MS
            await face.authorize()
            assert await reserve(face, order("c@example.com")) == (401, "too_many_members")
            await face.bench.store.identity.trials.lift("a@example.com")
            assert len(await reserve(face, order("c@example.com"))) == 1


# -- The end ----------------------------------------------------------------------------------------------------------
async def with_a_file(face, made):
    """What the trial account has stored: its principal, bucket and a file."""
    store = face.bench.store
    principal = Principal.of_key(await store.identity.key(made["applicationKeyId"]))
    bucket = await store.buckets.create(principal, "of-a-trial", "allPrivate")
    await store.files.upload(principal, bucket, "kept", NewFile("text/plain"), Bytes(b"kept"))
    return principal, bucket


@asynchronous
async def test_the_end_of_the_term_suspends_the_account_and_keeps_what_it_stores(tmp_path):
    async with partner(tmp_path) as face:
        trials, clock = face.bench.store.identity.trials, face.bench.clock
        [made] = await reserve(face, order())
        principal, bucket = await with_a_file(face, made)
        clock.ms = made["trialEndTimestamp"] - 1
        assert not await trials.have_ended()
        await trials.run()
        token = (await face.authorize(made=made))["authorizationToken"]
        clock.ms += 1
        assert await trials.have_ended()
        assert not await trials.run(), "There are no more."
        assert not await trials.have_ended()
        assert (await account(face)).suspended
        assert await face.authorize(made=made) == (401, "unauthorized")
        about = {"accountId": made["accountId"], "bucketName": "another", "bucketType": "allPrivate"}
        assert await face.call("b2_create_bucket", token=token, **about) == (401, "bad_auth_token")
        with pytest.raises(errors.BadCredentials):
            await face.bench.store.files.upload(principal, bucket, "new", NewFile("text/plain"), Bytes(b"new"))
        [entry] = (await face.bench.store.audit.page(made["accountId"], Filter(), limit=10)).entries
        assert (entry.actor, entry.action, entry.details) == (
            "steward", "Suspend account", {"reason": "The trial has ended."},
        )  # fmt: skip
        await face.bench.store.identity.accounts.set_suspended("a@example.com", suspended=False)
        again = await face.bench.store.files.current(principal, bucket, "kept")
        assert again.size == 4


@asynchronous
async def test_every_trial_ends_at_its_own_time_however_many_end_at_once(tmp_path):
    async with partner(tmp_path) as face:
        trials = face.bench.store.identity.trials
        orders = [order(f"m{number}@example.com", 7 if number < 3 else 8) for number in range(5)]
        await reserve(face, *orders)
        face.bench.clock.ms += 7 * DAY_MS
        with mock.patch.object(limits, "TRIALS_ENDED_AT_ONCE", 2):
            assert await trials.run(), "There are more."
            assert not await trials.run()
        suspended = [one.email for one in await face.bench.store.identity.accounts.list() if one.suspended]
        assert sorted(suspended) == ["m0@example.com", "m1@example.com", "m2@example.com"]


@asynchronous
async def test_a_trial_that_the_operator_lifts_does_not_end(tmp_path):
    async with partner(tmp_path) as face:
        trials = face.bench.store.identity.trials
        [made] = await reserve(face, order())
        assert (await account(face)).trial_ends_ms == made["trialEndTimestamp"]
        assert (await trials.lift("a@example.com")).trial_ends_ms is None
        face.bench.clock.ms += 8 * DAY_MS
        await trials.run()
        assert not (await account(face)).suspended
        with pytest.raises(errors.InvalidRequest):
            await trials.lift("a@example.com")
        caps = await face.bench.store.accounting.caps.of_operator(made["accountId"])
        assert caps.storage == TB, "The cap stays, until the operator lifts it too."


@pytest.mark.parametrize("way", ["lift", "resume"])
@asynchronous
async def test_an_account_whose_trial_has_ended_works_again_and_for_good_once_the_operator_says_so(tmp_path, way):
    async with partner(tmp_path) as face:
        identity = face.bench.store.identity
        [made] = await reserve(face, order())
        face.bench.clock.ms += 8 * DAY_MS
        await identity.trials.run()
        assert await face.authorize(made=made) == (401, "unauthorized")
        if way == "lift":
            await identity.trials.lift("a@example.com")
        else:
            await identity.accounts.set_suspended("a@example.com", suspended=False)
        await identity.trials.run()
        found = await account(face)
        assert (found.suspended, found.trial_ends_ms) == (False, None)
        assert (await face.authorize(made=made))["accountId"] == made["accountId"]


@asynchronous
async def test_to_resume_or_lift_before_the_end_decides_only_what_it_says(tmp_path):
    async with partner(tmp_path) as face:
        identity = face.bench.store.identity
        [made] = await reserve(face, order())
        await identity.accounts.set_suspended("a@example.com", suspended=True)
        await identity.accounts.set_suspended("a@example.com", suspended=False)
        assert (await account(face)).trial_ends_ms == made["trialEndTimestamp"]
        await identity.accounts.set_suspended("a@example.com", suspended=True)
        assert (await identity.trials.lift("a@example.com")).suspended, "It is suspended for another reason."


@asynchronous
async def test_trials_go_on_when_the_account_that_asked_for_them_is_gone(tmp_path):
    async with open_face(tmp_path) as face:
        identity = face.bench.store.identity
        other = await identity.accounts.create("partner@example.com", "a long password")
        await identity.groups.create("partner@example.com", "customers")
        key = {"applicationKeyId": other.key.key_id, "applicationKey": other.key.secret}
        token = (await face.authorize(made=key))["authorizationToken"]
        [made] = await reserve(face, order(), token=token)
        await identity.accounts.delete("partner@example.com")
        assert await face.bench.catalog.rows.all("SELECT 1 FROM accounts WHERE trial_of IS NOT NULL") == []
        face.bench.clock.ms = made["trialEndTimestamp"]
        await identity.trials.run()
        assert (await account(face)).suspended
