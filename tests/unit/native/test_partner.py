"""The Partner API: groups and members, as the account that administers them sees them."""

from __future__ import annotations

from contextlib import asynccontextmanager
from unittest import mock

import pytest

from harness.asynchronous import asynchronous
from harness.native_face import open_face
from harness.stores import Bytes
from undercroft import limits
from undercroft.store import errors
from undercroft.store.model import NewFile


@asynccontextmanager
async def partner(folder):
    """A face, the id of its account, and of a group that the account administers."""
    async with open_face(folder) as face:
        account_id = face.bench.bucket.account_id
        group = await face.bench.store.identity.groups.create(account_id, "customers")
        yield face, account_id, group.group_id


async def member(face, account_id, group_id, email, **more):
    return await face.call(
        "b2_create_group_member", version="v3", adminAccountId=account_id, groupId=group_id, memberEmail=email, **more
    )


async def emails(face, account_id, group_id, **more):
    [answer] = await face.query("b2_list_group_members", adminAccountId=account_id, groupId=group_id, **more)
    return [row["email"] for row in answer["groupMembers"]], answer["nextEmail"]


# -- Who may ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_authorize_tells_of_the_groups_api_only_whom_it_serves(tmp_path):
    async with open_face(tmp_path) as face:
        assert "groupsApi" not in (await face.authorize())["apiInfo"]
        await face.bench.store.identity.groups.create(face.bench.bucket.account_id, "customers")
        expected = {"capabilities": ["all"], "groupsApiUrl": "https://b2.example.com", "infoType": "groupsApi"}
        for version in ("v3", "v4"):
            assert (await face.authorize(version))["apiInfo"]["groupsApi"] == expected
        assert "apiInfo" not in await face.authorize("v2")
        every = {"accountId": face.bench.bucket.account_id, "keyName": "k"}
        for restriction in ({"capabilities": ["listBuckets"]}, {"capabilities": ["writeKeys"], "namePrefix": "a/"}):
            made = await face.call("b2_create_key", **every, **restriction)
            assert "groupsApi" not in (await face.authorize(made=made))["apiInfo"]
        made = await face.call("b2_create_key", **every, capabilities=["writeKeys"])
        assert "groupsApi" in (await face.authorize(made=made))["apiInfo"]


@asynchronous
async def test_a_key_that_cannot_make_keys_or_has_a_prefix_administers_nothing(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        for restriction in ({"capabilities": ["listKeys"]}, {"capabilities": ["writeKeys"], "namePrefix": "a/"}):
            made = await face.call("b2_create_key", accountId=account_id, keyName="k", **restriction)
            token = (await face.authorize(made=made))["authorizationToken"]
            about = {"adminAccountId": account_id, "groupId": group_id}
            for name, body in (
                ("b2_list_groups", {"adminAccountId": account_id}),
                ("b2_list_group_members", about),
                ("b2_create_group_member", {**about, "memberEmail": "a@example.com"}),
                ("b2_eject_group_member", {**about, "memberAccountId": account_id}),
            ):
                assert await face.call(name, token=token, **body) == (401, "unauthorized")
        assert await emails(face, account_id, group_id) == ([], None)


@asynchronous
async def test_nobody_reaches_the_groups_of_another_account(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        other = await face.bench.store.identity.accounts.create("other@example.com", "a long password")
        theirs = await face.bench.store.identity.groups.create(other.account.account_id, "theirs")
        assert await face.call("b2_list_groups", adminAccountId=other.account.account_id) == (401, "unauthorized")
        [answer] = await member(face, account_id, group_id, "a@example.com")
        about = {"adminAccountId": account_id, "groupId": theirs.group_id}
        account = answer["groupMember"]["accountId"]
        assert await face.call("b2_list_group_members", **about) == (401, "invalid_group_id")
        assert await member(face, account_id, theirs.group_id, "b@example.com") == (401, "invalid_group_id")
        eject = {**about, "memberAccountId": account}
        assert await face.call("b2_eject_group_member", **eject) == (401, "invalid_group_id")
        groups = (await face.query("b2_list_groups", adminAccountId=account_id))["groups"]
        assert [group["groupId"] for group in groups] == [group_id]


# -- Members ----------------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_new_member_is_an_account_with_a_key_of_its_own(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        [answer] = await member(face, account_id, group_id, "New@Example.com", region="us-west")
        assert answer.keys() == {"applicationKey", "applicationKeyId", "groupMember"}
        described = dict(answer["groupMember"])
        joined = described.pop("accountId")
        assert described == {
            "accountStandingDetails": {"state": "active"},
            "email": "new@example.com",
            "groupId": group_id,
            "groupName": "customers",
            "region": "us-west",
            "s3Endpoint": "https://b2.example.com",
        }
        authorized = await face.authorize(made=answer)
        assert authorized["accountId"] == joined
        token = authorized["authorizationToken"]
        bucket = {"accountId": joined, "bucketName": "member-bucket", "bucketType": "allPrivate"}
        assert (await face.call("b2_create_bucket", token=token, **bucket))["accountId"] == joined
        assert (await face.call("b2_list_buckets", accountId=account_id))["buckets"][0]["bucketName"] == "bench-bucket"


@pytest.mark.parametrize("email", ["", "nobody", "a b@example.com", "a" * 250 + "@example.com", "OWNER@example.com"])
@asynchronous
async def test_an_address_that_is_none_or_has_an_account_is_refused_and_changes_nothing(tmp_path, email):
    async with partner(tmp_path) as (face, account_id, group_id):
        assert await member(face, account_id, group_id, email) == (401, "invalid_email")
        assert await emails(face, account_id, group_id) == ([], None)
        assert len(await face.bench.store.identity.accounts.list()) == 1


@asynchronous
async def test_a_region_that_is_not_here_is_refused(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        answer = await member(face, account_id, group_id, "a@example.com", region="eu-central")
        assert answer == (401, "invalid_region")
        assert len(await face.bench.store.identity.accounts.list()) == 1


@asynchronous
async def test_a_group_takes_exactly_as_many_members_as_it_may_have(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        with mock.patch.object(limits, "GROUP_MEMBERS_MAX", 2):
            answers = [await member(face, account_id, group_id, f"m{number}@example.com") for number in range(3)]
        assert answers[2] == (401, "too_many_members")
        assert await emails(face, account_id, group_id) == (["m0@example.com", "m1@example.com"], None)
        assert len(await face.bench.store.identity.accounts.list()) == 3


@asynchronous
async def test_an_ejected_member_keeps_its_account_and_is_no_member_any_more(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        [answer] = await member(face, account_id, group_id, "a@example.com")
        joined = answer["groupMember"]["accountId"]
        eject = {"adminAccountId": account_id, "groupId": group_id, "memberAccountId": joined}
        assert await face.call("b2_eject_group_member", **eject) == answer["groupMember"]
        assert await face.call("b2_eject_group_member", **eject) == (401, "invalid_member_account_id")
        assert await emails(face, account_id, group_id) == ([], None)
        assert (await face.authorize(made=answer))["accountId"] == joined


# -- Lists ------------------------------------------------------------------------------------------------------------
@asynchronous
async def test_members_are_listed_by_address_page_by_page_with_what_they_hold(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        bench = face.bench
        for name in ("c", "a", "b"):
            await member(face, account_id, group_id, f"{name}@example.com")
        owner = await bench.store.identity.accounts.operator("b@example.com")
        bucket = await bench.store.buckets.create(owner, "member-bucket", "allPrivate")
        await bench.store.files.upload(owner, bucket, "file", NewFile("a/b"), Bytes(bytes(1234)))
        await bench.store.work.usage.sample_storage()
        assert await emails(face, account_id, group_id, maxMemberCount=2) == (
            ["a@example.com", "b@example.com"],
            "c@example.com",
        )
        assert await emails(face, account_id, group_id, startEmail="c@example.com") == (["c@example.com"], None)
        about = {"adminAccountId": account_id, "groupId": group_id}
        [answer] = await face.query("b2_list_group_members", **about)
        stats = {row["email"][0]: row["b2Stats"] for row in answer["groupMembers"]}
        as_of_ms = bench.clock.ms - bench.clock.ms % 3_600_000
        holds = {"b2BytesStoredCount": "1234", "b2FilesStoredCount": "1", "bucketCount": 1}
        assert stats["b"] == {**holds, "b2StatsAsOfTimestamp": as_of_ms}
        assert stats["a"] == {
            "b2BytesStoredCount": "0",
            "b2FilesStoredCount": "0",
            "bucketCount": 0,
            "b2StatsAsOfTimestamp": as_of_ms,
        }
        [group] = (await face.query("b2_list_groups", adminAccountId=account_id))["groups"]
        assert group["b2Stats"] == stats["b"]
        assert group["groupStats"]["memberCount"] == 3
        for count in (-1, 1001):
            refused = await face.query("b2_list_group_members", **about, maxMemberCount=count)
            assert (refused["status"], refused["code"]) == (400, "out_of_range")


@asynchronous
async def test_groups_are_listed_by_id_page_by_page_and_by_name(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        made = [await face.bench.store.identity.groups.create(account_id, name) for name in ("second", "third")]
        ids = sorted([group_id, *(group.group_id for group in made)])
        first = await face.query("b2_list_groups", adminAccountId=account_id, maxGroupCount=2)
        assert [group["groupId"] for group in first["groups"]] == ids[:2]
        assert (first["accountId"], first["nextGroupId"]) == (account_id, ids[2])
        rest = await face.query("b2_list_groups", adminAccountId=account_id, startGroupId=first["nextGroupId"])
        assert ([group["groupId"] for group in rest["groups"]], rest["nextGroupId"]) == (ids[2:], None)
        named = await face.query("b2_list_groups", adminAccountId=account_id, groupName="third")
        assert [group["groupName"] for group in named["groups"]] == ["third"]
        assert (await face.query("b2_list_groups", adminAccountId=account_id, maxGroupCount=101))["status"] == 400


# -- The operator's part ----------------------------------------------------------------------------------------------
@asynchronous
async def test_a_group_that_goes_lets_its_members_go(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        groups = face.bench.store.identity.groups
        await member(face, account_id, group_id, "a@example.com")
        assert [one.email for one in await groups.members_of(group_id)] == ["a@example.com"]
        await groups.delete(group_id)
        for gone in (groups.delete(group_id), groups.members_of(group_id)):
            with pytest.raises(errors.NoSuchGroup):
                await gone
        again = await groups.create(account_id, "again")
        assert await groups.every() == [(again, 0)]
        assert len(await face.bench.store.identity.accounts.list()) == 2


@asynchronous
async def test_an_account_that_is_deleted_leaves_its_group_and_takes_along_those_that_it_administers(tmp_path):
    async with partner(tmp_path) as (face, account_id, group_id):
        identity = face.bench.store.identity
        await member(face, account_id, group_id, "a@example.com")
        theirs = await identity.groups.create("a@example.com", "theirs")
        operator = await identity.accounts.operator("a@example.com")
        await identity.groups.create_member(operator, theirs.group_id, "b@example.com")
        await identity.accounts.delete("a@example.com")
        assert [(group.group_id, members) for group, members in await identity.groups.every()] == [(group_id, 0)]
        assert not await face.bench.catalog.rows.all("SELECT 1 FROM group_members")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "x" * (limits.GROUP_NAME_MAX_LENGTH + 1)])
@asynchronous
async def test_a_group_needs_a_name_that_can_be_shown(tmp_path, name):
    async with open_face(tmp_path) as face:
        with pytest.raises(errors.InvalidRequest):
            await face.bench.store.identity.groups.create(face.bench.bucket.account_id, name)
