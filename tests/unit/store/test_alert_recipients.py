"""Further addresses of alerts: asked by one letter, told once they have said yes, rid of it by the link in each letter."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

import pytest

from harness.accounting import cap
from harness.asynchronous import asynchronous
from harness.people import BETTER_PASSWORD, OWNER, Postbox, open_people, proof
from undercroft import limits
from undercroft.outgoing.mail import MailError
from undercroft.store import errors
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.accounting.telling import ADDRESS, WEBHOOK
from undercroft.store.accounting.telling import OWNER as OWNERS
from undercroft.store.identity.principals import Principal

TEAM, BOSS = "team@example.com", "boss@example.com"


@asynccontextmanager
async def asking(folder, *addresses, box=None, **settings):
    """A bench whose owner wants these addresses told, and the letters."""
    box = box or Postbox()
    async with open_people(folder, mailer=box, console_origin="https://console.example") as bench:
        await want(bench, *addresses, **settings)
        yield bench, box


async def want(bench, *addresses, **settings):
    given = AlertSettings(addresses=addresses, **settings)
    changed = await bench.store.alert_recipients.change_own(bench.principal, given, None)
    await bench.store.identity.letters.sent()
    return changed.settings


async def settings_of(bench):
    return (await bench.store.accounting.alert_settings.own(bench.principal)).settings


def link(box, address, what="confirm", number=-1):
    """The secret of a link to an address."""
    found = [
        match[1]
        for mail in box.mails
        if mail.to == address and (match := re.search(rf"https://console.example/alerts/{what}/(\S+)", mail.text))
    ]
    return found[number]


async def raise_alert(bench):
    """Have an alert raised, and everybody told who is to be."""
    await cap(bench, storage=100)
    await bench.put("file", bytes(80))
    await bench.store.accounting.alerts.look()
    notices = bench.store.work.notices
    while await notices.is_wanted():
        await notices.run()
        await notices.finish_turns()


@asynchronous
async def test_a_new_address_gets_one_letter_and_no_alert_before_it_has_confirmed(tmp_path):
    async with asking(tmp_path, TEAM) as (bench, box):
        assert [mail.to for mail in box.mails] == [TEAM]
        await raise_alert(bench)
        assert [mail.to for mail in box.mails] == [TEAM, OWNER]
        assert (await settings_of(bench)).confirmed == ()


@asynchronous
async def test_who_confirmed_is_told_and_by_the_link_in_each_letter_no_more(tmp_path):
    async with asking(tmp_path, TEAM, BOSS, tells_owner=False) as (bench, box):
        recipients, account_id = bench.store.alert_recipients, bench.bucket.account_id
        asked = await recipients.look_at(link(box, TEAM))
        assert asked == (account_id, OWNER, TEAM)
        assert await recipients.confirm(link(box, TEAM)) == asked
        with pytest.raises(errors.BadLink):
            await recipients.confirm(link(box, TEAM))
        await raise_alert(bench)
        assert [mail.to for mail in box.mails].count(TEAM) == 2
        out = link(box, TEAM, "unsubscribe")
        assert await recipients.look_at_way_out(out) == asked
        with pytest.raises(errors.BadLink):
            await recipients.look_at(out)
        await recipients.unsubscribe(out)
        assert (await settings_of(bench)).addresses == (BOSS,)
        with pytest.raises(errors.BadLink):
            await recipients.unsubscribe(out)
        assert (await want(bench, BOSS, TEAM)).confirmed == ()


@asynchronous
async def test_what_is_known_of_an_address_stays_with_other_changes_and_no_owner_confirms_for_it(tmp_path):
    async with asking(tmp_path, TEAM) as (bench, box):
        await bench.store.alert_recipients.confirm(link(box, TEAM))
        kept = await want(bench, TEAM, BOSS, confirmed=(TEAM, BOSS), warns_of_keys=False)
        assert (kept.addresses, kept.confirmed) == ((TEAM, BOSS), (TEAM,))
        assert [mail.to for mail in box.mails] == [TEAM, BOSS]
        assert (await want(bench, BOSS)).confirmed == ()
        with pytest.raises(errors.BadLink):
            await bench.store.alert_recipients.confirm(link(box, TEAM))


@asynchronous
async def test_a_link_ends_with_its_time_with_the_address_and_with_a_later_one(tmp_path):
    async with asking(tmp_path, TEAM) as (bench, box):
        recipients = bench.store.alert_recipients
        await recipients.ask_again(bench.principal, TEAM)
        await bench.store.identity.letters.sent()
        with pytest.raises(errors.BadLink):
            await recipients.confirm(link(box, TEAM, number=0))
        bench.clock.ms += limits.INVITATION_VALID_S * 1000
        with pytest.raises(errors.BadLink):
            await recipients.confirm(link(box, TEAM))
        await recipients.ask_again(bench.principal, TEAM)
        await bench.store.identity.letters.sent()
        last = link(box, TEAM)
        await want(bench)
        with pytest.raises(errors.BadLink):
            await recipients.confirm(last)


@asynchronous
async def test_nobody_can_have_an_address_asked_without_end(tmp_path):
    async with asking(tmp_path, TEAM) as (bench, box):
        recipients = bench.store.alert_recipients
        for _ in range(limits.RESETS_OF_ACCOUNT - 1):
            await recipients.ask_again(bench.principal, TEAM)
        with pytest.raises(errors.TooManyAttempts):
            await recipients.ask_again(bench.principal, TEAM)
        await want(bench)
        with pytest.raises(errors.TooManyAttempts):
            await want(bench, TEAM, BOSS)
        assert (await settings_of(bench)).addresses == ()
        with pytest.raises(errors.InvalidRequest):
            await recipients.ask_again(bench.principal, BOSS)
        bench.clock.ms += limits.ATTEMPTS_WINDOW_S * 1000
        names = [f"n{number}@example.com" for number in range(limits.ALERT_ADDRESSES_ASKED_OF_ACCOUNT + 1)]
        step = limits.ALERT_ADDRESSES_MAX
        for start in range(0, limits.ALERT_ADDRESSES_ASKED_OF_ACCOUNT, step):
            await want(bench, *names[start : start + step])
        with pytest.raises(errors.TooManyAttempts):
            await want(bench, names[-1])
        assert len(box.mails) == limits.RESETS_OF_ACCOUNT + limits.ALERT_ADDRESSES_ASKED_OF_ACCOUNT


@asynchronous
async def test_a_new_password_ends_no_way_out_of_the_alerts(tmp_path):
    async with asking(tmp_path, TEAM) as (bench, box):
        recipients = bench.store.alert_recipients
        await recipients.confirm(link(box, TEAM))
        await bench.store.work.notices.test(bench.principal, f"{ADDRESS}{TEAM}")
        await bench.store.identity.passwords.change(await proof(bench), BETTER_PASSWORD, session="")
        assert (await recipients.unsubscribe(link(box, TEAM, "unsubscribe"))).address == TEAM


@asynchronous
async def test_a_password_that_the_operator_gives_ends_no_way_out_of_the_alerts(tmp_path):
    async with asking(tmp_path, TEAM) as (bench, box):
        await bench.store.alert_recipients.confirm(link(box, TEAM))
        await raise_alert(bench)
        await bench.store.identity.accounts.reset_password(OWNER, BETTER_PASSWORD)
        assert (await bench.store.alert_recipients.unsubscribe(link(box, TEAM, "unsubscribe"))).address == TEAM


@asynchronous
async def test_a_test_goes_to_who_is_told_so_often_and_says_what_came_of_it(tmp_path):
    class Refusing(Postbox):
        is_down = False

        async def send(self, mail):
            if self.is_down:
                raise MailError("no route")
            await super().send(mail)

    async with asking(tmp_path, TEAM, BOSS, box=Refusing()) as (bench, box):
        await bench.store.alert_recipients.confirm(link(box, TEAM))
        notices = bench.store.work.notices
        for channel in (f"{ADDRESS}{BOSS}", f"{ADDRESS}x@example.com", WEBHOOK, "", TEAM):
            with pytest.raises(errors.InvalidRequest):
                await notices.test(bench.principal, channel)
        for channel, address in ((OWNERS, OWNER), (f"{ADDRESS}{TEAM}", TEAM)):
            assert (await notices.test(bench.principal, channel)).error is None
            assert (box.mails[-1].to, "A test" in box.mails[-1].subject) == (address, True)
            assert ("unsubscribe" in box.mails[-1].text) == (address == TEAM)
        box.is_down = True
        assert (await notices.test(bench.principal, OWNERS)).error == "The mail server did not take it"
        weak = await bench.store.identity.keys.create(bench.principal, "reader", ["readFiles"])
        with pytest.raises(errors.Unauthorized):
            await notices.test(Principal.of_key(weak), OWNERS)
        for _ in range(limits.ALERT_TESTS_OF_ACCOUNT - 3):
            await notices.test(bench.principal, OWNERS)
        with pytest.raises(errors.TooManyAttempts):
            await notices.test(bench.principal, OWNERS)
