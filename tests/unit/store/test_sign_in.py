"""Signing in: passwords, codes, recovery codes, trusted browsers, and how often one may try."""

from __future__ import annotations

import asyncio
import time

import pytest

from harness.asynchronous import asynchronous
from harness.people import BROWSER, OWNER, PASSWORD, code, open_people, proof, set_up_app, sign_in
from harness.stores import open_bench
from undercroft import limits
from undercroft.store import errors
from undercroft.store.identity.audit import Filter
from undercroft.store.identity.sign_in import Browser


@asynchronous
async def test_without_a_second_factor_the_password_begins_a_session(tmp_path):
    async with open_people(tmp_path) as bench:
        step = await sign_in(bench, email=" Owner@Example.com ")
        signed_in = await bench.store.identity.sessions.find(step.session, address="")
        assert signed_in.account.email == OWNER
        assert step.pending == ""


@pytest.mark.parametrize("email", [OWNER, "nobody@example.com", "", "a" * 5000])
@asynchronous
async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(tmp_path, email):
    async with open_people(tmp_path) as bench:
        with pytest.raises(errors.BadCredentials, match=r"^E-mail address or password is wrong\.$"):
            await sign_in(bench, "not the password", email=email)


@asynchronous
async def test_an_unknown_address_costs_as_much_work_as_a_wrong_password(tmp_path):
    async with open_people(tmp_path) as bench:
        spent = []
        for email in (OWNER, "nobody@example.com", OWNER, "nobody@example.com"):
            began_s = time.process_time()  # Of this process alone: a busy machine does not count.
            with pytest.raises(errors.BadCredentials):
                await sign_in(bench, "not the password", email=email)
            spent.append(time.process_time() - began_s)
        assert 1 / 3 < min(spent[0], spent[2]) / min(spent[1], spent[3]) < 3, spent


@asynchronous
async def test_the_account_id_is_no_address_to_sign_in_with(tmp_path):
    async with open_people(tmp_path) as bench:
        with pytest.raises(errors.BadCredentials):
            await sign_in(bench, email=bench.bucket.account_id)


@asynchronous
async def test_with_a_second_factor_the_password_alone_opens_nothing(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        step = await sign_in(bench)
        assert step.session == ""
        assert await bench.store.identity.sessions.find(step.pending, address="") is None
        signed_in = await bench.store.identity.sign_in.with_code(step.pending, code(bench, app), BROWSER, trust=False)
        assert await bench.store.identity.sessions.find(signed_in.session, address="") is not None


@asynchronous
async def test_a_code_is_taken_once_and_so_is_the_first_step(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        first, second = await sign_in(bench), await sign_in(bench)
        shown = code(bench, app)
        with_code = bench.store.identity.sign_in.with_code
        await with_code(first.pending, shown, BROWSER, trust=False)
        with pytest.raises(errors.WrongCode):
            await with_code(second.pending, shown, BROWSER, trust=False)
        bench.clock.ms += 30_000
        with pytest.raises(errors.BadLink):
            await with_code(first.pending, code(bench, app), BROWSER, trust=False)
        await with_code(second.pending, code(bench, app), BROWSER, trust=False)


@asynchronous
async def test_of_two_uses_of_a_code_at_the_same_time_one_is_refused(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        steps = [await sign_in(bench) for _ in range(2)]
        with_code = bench.store.identity.sign_in.with_code
        shown = code(bench, app)
        found = await asyncio.gather(
            *(with_code(step.pending, shown, BROWSER, trust=False) for step in steps), return_exceptions=True
        )
        assert sorted(type(each).__name__ for each in found) == ["Step", "WrongCode"]


@pytest.mark.parametrize(("steps_off", "taken"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)])
@asynchronous
async def test_a_clock_may_be_one_step_off(tmp_path, steps_off, taken):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        bench.clock.ms += 10 * 30_000
        step = await sign_in(bench)
        shown = app.at(bench.clock.ms // 1000 + 30 * steps_off)
        with_code = bench.store.identity.sign_in.with_code(step.pending, shown, BROWSER, trust=False)
        if taken:
            assert (await with_code).session
        else:
            with pytest.raises(errors.WrongCode):
                await with_code


@pytest.mark.parametrize("wrong", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "0" * 5000])
@asynchronous
async def test_what_is_no_code_is_wrong(tmp_path, wrong):
    async with open_people(tmp_path) as bench:
        await set_up_app(bench)
        with pytest.raises(errors.WrongCode):
            await bench.store.identity.sign_in.with_code((await sign_in(bench)).pending, wrong, BROWSER, trust=False)


@asynchronous
async def test_the_second_step_has_to_come_within_ten_minutes(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        step = await sign_in(bench)
        bench.clock.ms += limits.SIGN_IN_CODE_VALID_S * 1000
        with pytest.raises(errors.BadLink):
            await bench.store.identity.sign_in.with_code(step.pending, code(bench, app), BROWSER, trust=False)


@asynchronous
async def test_each_recovery_code_works_once_however_it_is_written(tmp_path):
    async with open_people(tmp_path) as bench:
        _, codes = await set_up_app(bench)
        assert len(set(codes)) == 10
        with_code = bench.store.identity.sign_in.with_code
        for written in (codes[0], codes[1].upper().replace("-", " ")):
            assert (await with_code((await sign_in(bench)).pending, written, BROWSER, trust=False)).session
        with pytest.raises(errors.WrongCode):
            await with_code((await sign_in(bench)).pending, codes[0], BROWSER, trust=False)
        state = await bench.store.identity.second_factors.of(bench.bucket.account_id)
        assert state.recovery_codes_left == 8
        fresh = await bench.store.identity.second_factors.new_recovery_codes(await proof(bench))
        with pytest.raises(errors.WrongCode):
            await with_code((await sign_in(bench)).pending, codes[2], BROWSER, trust=False)
        assert (await with_code((await sign_in(bench)).pending, fresh[2], BROWSER, trust=False)).session


@asynchronous
async def test_a_trusted_browser_needs_no_code_for_thirty_days_and_no_other_account_trusts_it(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        step = await sign_in(bench)
        step = await bench.store.identity.sign_in.with_code(step.pending, code(bench, app), BROWSER, trust=True)
        trusted = Browser(BROWSER.address, BROWSER.user_agent, step.trust)
        assert (await sign_in(bench, browser=trusted)).session
        assert (await sign_in(bench)).pending
        assert await bench.store.identity.second_factors.is_needed_in(
            bench.catalog.rows, bench.bucket.account_id, "another token"
        )
        bench.clock.ms += limits.TRUSTED_BROWSER_VALID_S * 1000 + 1
        assert (await sign_in(bench, browser=trusted)).pending


@asynchronous
async def test_setting_up_an_app_ends_every_session_and_needs_a_code_of_it(tmp_path):
    async with open_people(tmp_path) as bench:
        session = (await sign_in(bench)).session
        factors, account_id = bench.store.identity.second_factors, bench.bucket.account_id
        with pytest.raises(errors.SecondFactorState):
            await factors.confirm(await proof(bench), "123456")
        enrollment = await factors.enroll(account_id, OWNER, "Undercroft")
        assert enrollment.uri.startswith("otpauth://totp/Undercroft:owner%40example.com?secret=")
        with pytest.raises(errors.WrongCode):
            await factors.confirm(await proof(bench), "000000")
        assert (await sign_in(bench)).session  # Nothing is asked until it is set up.
        await set_up_app(bench)
        assert await bench.store.identity.sessions.find(session, address="") is None
        with pytest.raises(errors.SecondFactorState):
            await factors.enroll(account_id, OWNER, "Undercroft")
        await factors.disable(await proof(bench))
        assert (await sign_in(bench)).session


@pytest.fixture(autouse=True)
def few_attempts(monkeypatch):
    """Each attempt costs a hash, which is slow on purpose."""
    monkeypatch.setattr(limits, "SIGN_IN_ATTEMPTS_OF_ACCOUNT", 4)
    monkeypatch.setattr(limits, "SIGN_IN_ATTEMPTS_OF_ADDRESS", 7)
    monkeypatch.setattr(limits, "CODE_ATTEMPTS_OF_ACCOUNT", 3)


# -- How often --------------------------------------------------------------------------------------------------------
@asynchronous
async def test_an_account_takes_so_many_wrong_passwords_and_then_not_even_the_right_one_for_a_while(tmp_path):
    async with open_people(tmp_path) as bench, open_bench(tmp_path / "data", new=False, clock=bench.clock) as other:
        for number in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT):
            with pytest.raises(errors.BadCredentials):  # From many addresses, and on two nodes.
                await sign_in((bench, other)[number % 2], "wrong", browser=Browser(f"198.51.100.{number}", ""))
        for node in (bench, other):
            with pytest.raises(errors.TooManyAttempts) as refused:
                await sign_in(node)
            assert 0 < refused.value.retry_after_s <= limits.ATTEMPTS_WINDOW_S
        bench.clock.ms += limits.ATTEMPTS_WINDOW_S * 1000
        assert (await sign_in(bench)).session


@asynchronous
async def test_an_address_takes_so_many_wrong_passwords_at_all_accounts_together(tmp_path):
    async with open_people(tmp_path) as bench:
        for number in range(limits.SIGN_IN_ATTEMPTS_OF_ADDRESS):
            with pytest.raises(errors.BadCredentials):
                await sign_in(
                    bench, email=f"nobody{number}@example.com", browser=Browser(f"2001:db8:0:1::{number:x}", "")
                )
        with pytest.raises(errors.TooManyAttempts):
            await sign_in(bench, browser=Browser("2001:db8:0:1:ffff::1", ""))
        assert (await sign_in(bench, browser=Browser("2001:db8:0:2::1", ""))).session


@asynchronous
async def test_attempts_at_the_same_time_count_as_one_after_the_other(tmp_path):
    async with open_people(tmp_path) as bench:
        many = limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT + 2
        found = await asyncio.gather(*(sign_in(bench, "wrong") for _ in range(many)), return_exceptions=True)
        assert sum(isinstance(error, errors.TooManyAttempts) for error in found) == 2


@asynchronous
async def test_a_right_password_lets_the_account_start_over_and_does_not_use_up_the_address(tmp_path):
    async with open_people(tmp_path) as bench:
        for _ in range(3):
            for _ in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT - 2):
                with pytest.raises(errors.BadCredentials):
                    await sign_in(bench, "wrong")
            assert (await sign_in(bench)).session
        assert (await sign_in(bench)).session


@asynchronous
async def test_codes_are_tried_so_often_and_no_more(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        with_code = bench.store.identity.sign_in.with_code
        for _ in range(limits.CODE_ATTEMPTS_OF_ACCOUNT):
            with pytest.raises(errors.WrongCode):
                await with_code((await sign_in(bench)).pending, "000000", BROWSER, trust=False)
        with pytest.raises(errors.TooManyAttempts):
            await with_code((await sign_in(bench)).pending, code(bench, app), BROWSER, trust=False)


@asynchronous
async def test_sign_ins_are_written_down_with_their_address_and_refusals_with_their_reason_once(tmp_path):
    async with open_people(tmp_path) as bench:
        await sign_in(bench)
        for _ in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT + 2):
            with pytest.raises((errors.BadCredentials, errors.TooManyAttempts)):
                await sign_in(bench, "wrong")
        page = await bench.store.audit.page(bench.bucket.account_id, Filter(action="sign in"), limit=100)
        results = [entry.result for entry in page.entries]
        assert len(results) == 1 + limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT + 1
        assert results.count("") == 1
        assert sum(result.startswith("Too many attempts") for result in results) == 1
        assert {(entry.actor, entry.address) for entry in page.entries} == {(OWNER, BROWSER.address)}
        assert PASSWORD not in repr(page)
        with pytest.raises(errors.BadCredentials):
            await sign_in(bench, email="nobody@example.com")
        everybodys = await bench.store.audit.page(None, Filter(actor="nobody@"), limit=10)
        assert [entry.account_id for entry in everybodys.entries] == [""]


@asynchronous
async def test_the_password_is_asked_again_under_the_same_limit(tmp_path):
    async with open_people(tmp_path) as bench:
        confirm = bench.store.identity.sign_in.confirm_password
        assert (await confirm(bench.bucket.account_id, PASSWORD)).account.email == OWNER
        for _ in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT):
            with pytest.raises(errors.BadCredentials):
                await confirm(bench.bucket.account_id, "wrong")
        with pytest.raises(errors.TooManyAttempts):
            await confirm(bench.bucket.account_id, PASSWORD)


@asynchronous
async def test_what_is_past_its_time_is_forgotten(tmp_path):
    async with open_people(tmp_path) as bench:
        await set_up_app(bench)
        await sign_in(bench)
        bench.clock.ms += 40 * 86_400_000
        await bench.store.identity.prune()
        for table in ("attempts", "links", "sessions", "trusted_browsers"):
            assert await bench.catalog.rows.one(f"SELECT count(*) FROM {table}") == (0,)
