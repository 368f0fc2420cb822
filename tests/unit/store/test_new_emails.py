"""Another e-mail address: at once where no mail can be sent, and else once its reader has confirmed it."""

from __future__ import annotations

import re

import pytest

from harness.asynchronous import asynchronous
from harness.people import BETTER_PASSWORD, OWNER, Postbox, open_people, proof, sign_in
from undercroft import limits
from undercroft.store import errors

NEW = "new@example.com"


def secret_in(box, number=0):
    """The secret in the link of a letter to a new address."""
    mails = [mail for mail in box.mails if "/settings/email/" in mail.text]
    return re.search(r"/settings/email/(\S+)", mails[number].text)[1]


async def asked(bench, box, email=NEW):
    """Ask for the address, and wait for the letters."""
    is_sent = await bench.store.identity.emails.change(await proof(bench), email)
    await bench.store.identity.letters.sent()
    return is_sent


async def address(bench):
    return (await bench.store.identity.accounts.find(bench.bucket.account_id)).email


@asynchronous
async def test_without_mail_the_address_changes_at_once(tmp_path):
    async with open_people(tmp_path) as bench:
        assert not await bench.store.identity.emails.change(await proof(bench), "New@Example.com")
        assert await address(bench) == NEW


@asynchronous
async def test_with_mail_it_changes_once_the_link_is_opened_which_works_once_and_the_old_address_is_told(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        emails, account_id = bench.store.identity.emails, bench.bucket.account_id
        assert await asked(bench, box)
        assert await address(bench) == OWNER
        assert await emails.waiting(account_id) == NEW
        assert [(mail.to, "confirm" in mail.subject.lower()) for mail in box.mails] == [(NEW, True), (OWNER, False)]
        secret = secret_in(box)
        assert secret not in box.mails[1].text
        assert await emails.look_at_link(account_id, secret) == NEW
        assert await emails.confirm(account_id, secret) == (OWNER, NEW)
        assert (await address(bench), await emails.waiting(account_id)) == (NEW, None)
        await bench.store.identity.letters.sent()
        assert (box.mails[-1].to, "was changed" in box.mails[-1].subject) == (OWNER, True)
        with pytest.raises(errors.BadLink):
            await emails.confirm(account_id, secret)


@asynchronous
async def test_a_link_is_for_the_account_that_asked_and_stays_when_another_tries_it(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity = bench.store.identity
        other = (await identity.accounts.create("other@example.com", BETTER_PASSWORD)).account
        await asked(bench, box)
        for deed in (identity.emails.look_at_link, identity.emails.confirm):
            with pytest.raises(errors.BadLink):
                await deed(other.account_id, secret_in(box))
        await identity.emails.confirm(bench.bucket.account_id, secret_in(box))
        assert await address(bench) == NEW


@asynchronous
async def test_a_link_works_for_an_hour_and_not_after_a_new_password_a_later_one_or_when_taken_back(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity, account_id = bench.store.identity, bench.bucket.account_id
        await asked(bench, box)
        bench.clock.ms += limits.NEW_EMAIL_LINK_VALID_S * 1000 - 1
        assert await identity.emails.look_at_link(account_id, secret_in(box)) == NEW
        bench.clock.ms += 1
        assert await identity.emails.waiting(account_id) is None
        await asked(bench, box, "second@example.com")
        await asked(bench, box, "third@example.com")
        assert await identity.emails.waiting(account_id) == "third@example.com"
        await identity.emails.take_back(account_id)
        assert await identity.emails.waiting(account_id) is None
        await asked(bench, box, "fourth@example.com")
        session = (await sign_in(bench)).session
        await identity.passwords.change(await proof(bench), BETTER_PASSWORD, session=session)
        for number in range(4):
            with pytest.raises(errors.BadLink):
                await identity.emails.confirm(account_id, secret_in(box, number))
        assert await address(bench) == OWNER


@asynchronous
async def test_an_address_that_has_an_account_is_answered_alike_and_told_without_a_link(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity, account_id = bench.store.identity, bench.bucket.account_id
        await identity.accounts.create("other@example.com", BETTER_PASSWORD)
        assert await asked(bench, box, "other@example.com")
        assert await identity.emails.waiting(account_id) == "other@example.com"
        assert [mail.to for mail in box.mails] == ["other@example.com", OWNER]
        assert "/settings/email/" not in box.mails[0].text
        assert OWNER not in box.mails[0].text


@asynchronous
async def test_an_address_that_was_taken_meanwhile_is_not_taken_twice(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity = bench.store.identity
        await asked(bench, box)
        await identity.accounts.create(NEW, BETTER_PASSWORD)
        with pytest.raises(errors.DuplicateEmail):
            await identity.emails.confirm(bench.bucket.account_id, secret_in(box))
        assert await address(bench) == OWNER


@asynchronous
async def test_an_address_and_an_account_get_only_so_many_letters(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        for _ in range(limits.RESETS_OF_ACCOUNT):
            await asked(bench, box)
        with pytest.raises(errors.TooManyAttempts):
            await asked(bench, box)
        bench.clock.ms += limits.ATTEMPTS_WINDOW_S * 1000
        for number in range(limits.NEW_EMAILS_OF_ACCOUNT):
            await asked(bench, box, f"new-{number}@example.com")
        with pytest.raises(errors.TooManyAttempts):
            await asked(bench, box, "one-too-many@example.com")


@asynchronous
async def test_what_is_no_address_or_the_present_one_is_refused(tmp_path):
    async with open_people(tmp_path, mailer=Postbox()) as bench:
        for email in ("no address", OWNER.upper()):
            with pytest.raises(errors.InvalidRequest):
                await bench.store.identity.emails.change(await proof(bench), email)
