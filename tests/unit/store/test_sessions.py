"""Sessions of the console: how long they last, who they stand for, and how they end."""

from __future__ import annotations

import asyncio

import pytest

from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors

PASSWORD = "a long password"  # The bench's owner's.


def run(folder, story):
    async def main():
        async with open_bench(folder) as bench:
            await story(bench, bench.store.identity.sessions)

    asyncio.run(main())


def test_a_session_acts_as_its_account_until_it_is_ended(tmp_path):
    async def story(bench, sessions):
        account = (await sessions.check_password("Owner@Example.com ", PASSWORD)).account
        secret = await sessions.begin(account.account_id, address="192.0.2.1", user_agent="a browser")
        found = await sessions.find(secret, address="192.0.2.1")
        assert found.account == account
        assert [bucket.name for bucket in await bench.store.buckets.list(found.principal)] == ["bench-bucket"]
        await sessions.end(account.account_id, found.session.session_id)
        assert await sessions.find(secret, address="192.0.2.1") is None
        with pytest.raises(errors.NoSuchSession):
            await sessions.end(account.account_id, found.session.session_id)

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("email", "password"), [("owner@example.com", "wrong"), ("other@example.com", PASSWORD), ("", "")]
)
def test_a_wrong_address_or_password_is_refused(tmp_path, email, password):
    async def story(bench, sessions):
        with pytest.raises(errors.BadCredentials):
            await sessions.check_password(email, password)

    run(tmp_path, story)


def test_the_id_of_an_account_is_no_address_to_sign_in_with(tmp_path):
    async def story(bench, sessions):
        with pytest.raises(errors.BadCredentials):
            await sessions.check_password(bench.principal.account_id, PASSWORD)

    run(tmp_path, story)


@pytest.mark.parametrize(
    ("idle_ms", "lives"), [(limits.SESSION_IDLE_S * 1000 - 1, True), (limits.SESSION_IDLE_S * 1000, False)]
)
def test_a_session_that_is_not_used_for_long_is_over(tmp_path, idle_ms, lives):
    async def story(bench, sessions):
        secret = await sessions.begin(bench.principal.account_id, address="", user_agent="")
        bench.clock.ms += idle_ms
        assert (await sessions.find(secret, address="") is not None) == lives

    run(tmp_path, story)


def test_what_a_page_asks_by_itself_does_not_keep_a_session_alive(tmp_path):
    async def story(bench, sessions):
        secret = await sessions.begin(bench.principal.account_id, address="", user_agent="")
        bench.clock.ms += limits.SESSION_IDLE_S * 1000 - 1
        assert await sessions.find(secret, address="", is_use=False) is not None
        bench.clock.ms += 1
        assert await sessions.find(secret, address="", is_use=False) is None

    run(tmp_path, story)


def test_a_session_that_is_used_is_over_in_the_end(tmp_path):
    async def story(bench, sessions):
        secret = await sessions.begin(bench.principal.account_id, address="", user_agent="")
        began_ms = bench.clock.ms
        while bench.clock.ms < began_ms + (limits.SESSION_MAX_S - 3600) * 1000:
            assert await sessions.find(secret, address="") is not None
            bench.clock.ms += 3600 * 1000 * 11
        bench.clock.ms = began_ms + limits.SESSION_MAX_S * 1000
        assert await sessions.find(secret, address="") is None
        assert await sessions.of_account(bench.principal.account_id) == []

    run(tmp_path, story)


def test_a_new_password_ends_every_session_and_other_sessions_can_be_ended_together(tmp_path):
    async def story(bench, sessions):
        account_id = bench.principal.account_id
        mine, others = [await sessions.begin(account_id, address="", user_agent=name) for name in ("mine", "other")]
        await sessions.end_others(mine, account_id)
        assert [session.user_agent for session in await sessions.of_account(account_id)] == ["mine"]
        assert await sessions.find(others, address="") is None
        await bench.store.identity.accounts.reset_password(account_id, "another long password")
        assert await sessions.find(mine, address="") is None

    run(tmp_path, story)


def test_one_session_too_many_ends_the_one_not_used_for_longest(tmp_path):
    async def story(bench, sessions):
        secrets = []
        for _ in range(limits.SESSIONS_PER_ACCOUNT + 1):
            bench.clock.ms += 1
            secrets.append(await sessions.begin(bench.principal.account_id, address="", user_agent=""))
        assert await sessions.find(secrets[0], address="") is None
        assert await sessions.find(secrets[1], address="") is not None
        assert len(await sessions.of_account(bench.principal.account_id)) == limits.SESSIONS_PER_ACCOUNT

    run(tmp_path, story)


def test_the_catalog_has_no_secret_of_a_session(tmp_path):
    async def main():
        async with open_bench(tmp_path) as bench:
            secret = await bench.store.identity.sessions.begin(bench.principal.account_id, address="", user_agent="")
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("catalog.db*"))
        assert secret.encode() not in stored

    asyncio.run(main())


def test_a_session_of_an_operator_who_acts_for_an_account_lasts_an_hour(tmp_path):
    async def story(bench, sessions):
        accounts = bench.store.identity.accounts
        account = await accounts.set_operator(bench.principal.account_id, False)
        made = await accounts.create("operator@example.com", PASSWORD)
        operator = await accounts.set_operator(made.key.account_id, True)
        secret = await sessions.begin(
            account.account_id, address="192.0.2.1", user_agent="x", operator_id=operator.account_id
        )
        found = await sessions.find(secret, address="192.0.2.1")
        assert (found.account.account_id, found.operator) == (account.account_id, operator)
        bench.clock.ms += limits.ACTING_MAX_S * 1000 - 1
        assert await sessions.find(secret, address="192.0.2.1") is not None
        bench.clock.ms += 1
        assert await sessions.find(secret, address="192.0.2.1") is None

    run(tmp_path, story)
