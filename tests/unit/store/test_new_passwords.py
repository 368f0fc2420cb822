"""New passwords: which ones people may choose, changing them, and links for those who forgot theirs."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.people import (
    BETTER_PASSWORD,
    BROWSER,
    OWNER,
    PASSWORD,
    Postbox,
    code,
    open_people,
    proof,
    set_up_app,
    sign_in,
)
from undercroft import limits
from undercroft.store import errors
from undercroft.store.identity.password_rules import check_new_password


@pytest.mark.parametrize(
    "password",
    [
        "elevenchars", "password1234", "qwertyuiop12", "Passw0rd!Passw0rd!", "123456789012", "aaaaaaaaaaaaaa",
        "iloveyou1234", "letmeinletmein", "owner@example.com", "a" * 1025,
    ],
)  # fmt: skip
@asynchronous
async def test_short_passwords_and_those_that_are_tried_first_are_refused_with_a_reason(password):
    with pytest.raises(errors.WeakPassword, match=r"^This is (too short|too long|on the lists)"):
        await check_new_password(password, OWNER)


@pytest.mark.parametrize(
    "password", ["twelve-chrs!", BETTER_PASSWORD, "тихие гавани семи ветров", BETTER_PASSWORD + "é" * 490]
)
@asynchronous
async def test_long_ones_in_any_script_are_taken_without_rules_about_characters(password):
    await check_new_password(password, OWNER)


@asynchronous
async def test_a_changed_password_ends_other_sessions_and_is_told_by_mail(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity = bench.store.identity
        mine, other = (await sign_in(bench)).session, (await sign_in(bench)).session
        with pytest.raises(errors.WeakPassword):
            await identity.passwords.change(await proof(bench), "password1234", session=mine)
        await identity.passwords.change(await proof(bench), BETTER_PASSWORD, session=mine)
        assert await identity.sessions.find(mine, address="") is not None
        assert await identity.sessions.find(other, address="") is None
        with pytest.raises(errors.BadCredentials):
            await sign_in(bench, PASSWORD)
        assert (await sign_in(bench, BETTER_PASSWORD)).session
        await identity.letters.sent()
        assert [(mail.to, "was changed" in mail.subject) for mail in box.mails] == [(OWNER, True)]


@asynchronous
async def test_a_new_password_ends_sign_ins_that_only_lack_their_code(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity = bench.store.identity
        mine = (await sign_in(bench)).session
        app, _ = await set_up_app(bench)
        before_change = (await sign_in(bench)).pending
        await identity.passwords.change(await proof(bench), BETTER_PASSWORD, session=mine)
        with pytest.raises(errors.BadLink):
            await identity.sign_in.with_code(before_change, code(bench, app), BROWSER, trust=True)
        before_reset = (await sign_in(bench, BETTER_PASSWORD)).pending
        await identity.passwords.request_reset(OWNER, "203.0.113.7")
        await identity.letters.sent()
        await identity.passwords.reset(box.link(), "eight louder harbours")
        with pytest.raises(errors.BadLink):
            await identity.sign_in.with_code(before_reset, code(bench, app), BROWSER, trust=True)


@asynchronous
async def test_a_forgotten_password_is_reset_by_a_link_once_and_ends_every_session(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box, console_origin="https://console.example") as bench:
        identity = bench.store.identity
        session = (await sign_in(bench)).session
        for _ in range(2):
            await identity.passwords.request_reset(OWNER.upper(), "203.0.113.7")
        await identity.letters.sent()
        assert "https://console.example/reset-password/" in box.mails[0].text
        assert (await identity.passwords.look_at_link(box.link())).email == OWNER
        with pytest.raises(errors.WeakPassword):
            await identity.passwords.reset(box.link(), "password1234")
        await identity.passwords.reset(box.link(), BETTER_PASSWORD)
        assert await identity.sessions.find(session, address="") is None
        assert (await sign_in(bench, BETTER_PASSWORD)).session
        for number in (0, 1):  # The other link died with it.
            with pytest.raises(errors.BadLink):
                await identity.passwords.reset(box.link(number), BETTER_PASSWORD)


@asynchronous
async def test_a_link_is_over_after_an_hour_and_is_for_nothing_else(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity = bench.store.identity
        await identity.passwords.request_reset(OWNER, "203.0.113.7")
        await identity.letters.sent()
        with pytest.raises(errors.BadLink):
            await identity.sign_up.look_at_link(box.link())
        bench.clock.ms += limits.RESET_LINK_VALID_S * 1000 - 1
        assert (await identity.passwords.look_at_link(box.link())).email == OWNER
        bench.clock.ms += 1
        with pytest.raises(errors.BadLink):
            await identity.passwords.look_at_link(box.link())


@asynchronous
async def test_an_unknown_address_gets_no_mail_and_counts_as_a_known_one_does(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        for email in (OWNER, "nobody@example.com"):
            for _ in range(limits.RESETS_OF_ACCOUNT):
                await bench.store.identity.passwords.request_reset(email, "203.0.113.7")
            with pytest.raises(errors.TooManyAttempts):
                await bench.store.identity.passwords.request_reset(email, "203.0.113.7")
        await bench.store.identity.letters.sent()
        assert [mail.to for mail in box.mails] == [OWNER] * limits.RESETS_OF_ACCOUNT


@asynchronous
async def test_the_catalog_has_no_secret_of_a_link(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        await bench.store.identity.passwords.request_reset(OWNER, "203.0.113.7")
        await bench.store.identity.letters.sent()
        [row] = await bench.catalog.rows.all("SELECT * FROM links")
        assert box.link() not in repr(row)
