"""Signing up, invitations, products with their terms, and the operator's section."""

from __future__ import annotations

import pytest

from harness.asynchronous import asynchronous
from harness.people import BETTER_PASSWORD, OWNER, Postbox, open_people, proof, set_up_app, sign_in
from undercroft import limits
from undercroft.store import errors
from undercroft.store.identity.audit import OPERATOR_COMMAND, Filter
from undercroft.store.identity.products import Terms

NEW = "new@example.com"


async def sign_up(bench, email=NEW):
    return await bench.store.identity.sign_up.sign_up(email, BETTER_PASSWORD, "New Person", "203.0.113.7")


@pytest.mark.parametrize("mode", ["closed", "invitation"])
@asynchronous
async def test_nobody_signs_up_uninvited_where_that_is_not_open(tmp_path, mode):
    async with open_people(tmp_path, sign_up=mode) as bench:
        with pytest.raises(errors.SignUpClosed):
            await sign_up(bench)
        with pytest.raises(errors.SignUpClosed):
            await bench.store.identity.sign_up.request(NEW, "203.0.113.7")


@asynchronous
async def test_who_signs_up_has_no_product_no_key_and_no_bucket_until_the_terms_are_accepted(tmp_path):
    async with open_people(tmp_path, sign_up="open") as bench:
        account = await sign_up(bench)
        assert (account.email, account.name, account.is_operator) == (NEW, "New Person", False)
        principal = await bench.store.identity.accounts.operator(NEW)
        with pytest.raises(errors.ProductNotEnabled):
            await bench.store.buckets.create(principal, "my-bucket", "allPrivate")
        products = bench.store.identity.products
        with pytest.raises(errors.InvalidRequest):
            await products.enable(account.account_id, "another version")
        assert not (await products.of(account.account_id)).is_enabled
        await products.enable(account.account_id, products.terms.version)
        product = await products.of(account.account_id)
        assert (product.is_enabled, product.terms_version, product.accepted_ms) == (True, "1", bench.clock.ms)
        await bench.store.buckets.create(principal, "my-bucket", "allPrivate")
        with pytest.raises(errors.BucketNotEmpty):
            await products.disable(account.account_id)
        await bench.store.buckets.delete(principal, (await bench.store.buckets.find(name="my-bucket")).bucket_id)
        await products.disable(account.account_id)
        with pytest.raises(errors.ProductNotEnabled):
            await bench.store.buckets.create(principal, "my-bucket", "allPrivate")


@asynchronous
async def test_accounts_of_the_operators_making_have_the_product_and_the_first_of_all_is_the_operators(tmp_path):
    async with open_people(tmp_path) as bench:
        bench.clock.ms += 1  # Accounts are listed by when they were made.
        made = (await bench.store.identity.accounts.create("second@example.com", "a long password")).account
        assert (await bench.store.identity.products.of(made.account_id)).is_enabled
        assert [account.is_operator for account in await bench.store.identity.accounts.list()] == [True, False]


def test_terms_have_the_version_of_their_first_line_or_one_of_their_own():
    assert Terms.of("Version: 2026-11\n\nBe kind.\n") == Terms("2026-11", "Be kind.")
    assert Terms.of("Be kind.").version != Terms.of("Be good.").version


@asynchronous
async def test_where_there_is_mail_a_link_comes_first_and_nobody_learns_who_has_an_account(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, sign_up="open", mailer=box) as bench:
        people = bench.store.identity.sign_up
        with pytest.raises(errors.SignUpClosed):
            await sign_up(bench)
        await people.request(NEW, "203.0.113.7")
        await people.request(OWNER, "203.0.113.7")
        await bench.store.identity.letters.sent()
        assert [mail.to for mail in box.mails] == [NEW, OWNER]
        assert "has an account" in box.mails[1].text
        made = await people.sign_up_invited(box.link(0), "other@example.com", BETTER_PASSWORD, "")
        assert made.email == NEW  # The address that was verified, whatever is asked.
        with pytest.raises(errors.BadLink):
            await people.sign_up_invited(box.link(0), "other@example.com", BETTER_PASSWORD, "")


@asynchronous
async def test_an_invitation_works_once_can_be_taken_back_and_ends(tmp_path):
    async with open_people(tmp_path) as bench:
        people = bench.store.identity.sign_up
        first, second, third = [(await people.invite(email)).secret for email in (NEW, "", "")]
        assert [one.email for one in await people.invitations()].count(NEW) == 1
        assert (await people.sign_up_invited(first, "x@example.com", BETTER_PASSWORD, "")).email == NEW
        with pytest.raises(errors.DuplicateEmail):
            await people.sign_up_invited(second, NEW, BETTER_PASSWORD, "")
        with pytest.raises(errors.WeakPassword):
            await people.sign_up_invited(second, "x@example.com", "password1234", "")
        assert (await people.sign_up_invited(second, "x@example.com", BETTER_PASSWORD, "")).email == "x@example.com"
        [left] = await people.invitations()
        await people.take_back(left.invitation_id)
        with pytest.raises(errors.BadLink):
            await people.look_at_link(third)
        late = (await people.invite("")).secret
        bench.clock.ms += limits.INVITATION_VALID_S * 1000
        with pytest.raises(errors.BadLink):
            await people.look_at_link(late)


# -- The operator's section -------------------------------------------------------------------------------------------
@asynchronous
async def test_only_an_operators_account_comes_into_the_operators_section(tmp_path):
    async with open_people(tmp_path) as bench:
        other = (await bench.store.identity.accounts.create("second@example.com", "a long password")).account
        with pytest.raises(errors.Unauthorized):
            await bench.store.administrations.of(other.account_id)
        with pytest.raises(errors.Unauthorized):
            await bench.store.administrations.of("000000000000")
        mine = await bench.store.administrations.of(bench.bucket.account_id)
        assert (await mine.set_operator(other.account_id, is_operator=True)).is_operator
        theirs = await bench.store.administrations.of(other.account_id)
        with pytest.raises(errors.InvalidRequest):
            await theirs.set_suspended(other.account_id, suspended=True)
        await theirs.set_suspended(bench.bucket.account_id, suspended=True)
        with pytest.raises(errors.Unauthorized):
            await bench.store.administrations.of(bench.bucket.account_id)


@asynchronous
async def test_the_operator_finds_accounts_by_any_part_of_them_and_pages(tmp_path):
    async with open_people(tmp_path, sign_up="open") as bench:
        for number in range(3):
            await sign_up(bench, f"new{number}@example.com")
        mine = await bench.store.administrations.of(bench.bucket.account_id)
        page = await mine.search("NEW", limit=2)
        assert [one.account.email for one in page.accounts] == ["new0@example.com", "new1@example.com"]
        page = await mine.search("new", start_email=page.next_email, limit=2)
        assert ([one.account.email for one in page.accounts], page.next_email) == (["new2@example.com"], None)
        assert [one.account.email for one in (await mine.search("n_w", limit=9)).accounts] == []
        assert len((await mine.search("person", limit=9)).accounts) == 3
        assert [one.account.email for one in (await mine.search(bench.bucket.account_id, limit=9)).accounts] == [OWNER]


@asynchronous
async def test_the_operator_sets_caps_and_resets_a_second_factor(tmp_path):
    async with open_people(tmp_path) as bench:
        other = (await bench.store.identity.accounts.create("second@example.com", "a long password")).account
        mine = await bench.store.administrations.of(bench.bucket.account_id)
        await mine.set_caps(other.account_id, {"storage": 1000})
        assert (await mine.caps(other.account_id))[0].storage == 1000
        await set_up_app(bench)
        assert (await mine.show(bench.bucket.account_id)).has_second_factor
        await mine.reset_second_factor(bench.bucket.account_id)
        assert (await sign_in(bench)).session


# -- One's own account ------------------------------------------------------------------------------------------------
@asynchronous
async def test_a_profile_has_a_name_and_a_time_zone_that_exists(tmp_path):
    async with open_people(tmp_path) as bench:
        accounts, account_id = bench.store.identity.accounts, bench.bucket.account_id
        await accounts.set_profile(account_id, "  The Owner ", "Europe/Berlin")
        found = await accounts.find(account_id)
        assert (found.name, found.time_zone) == ("The Owner", "Europe/Berlin")
        for name, zone in (("x" * 101, "UTC"), ("a\nb", "UTC"), ("x", "Europe/Nowhere")):
            with pytest.raises(errors.InvalidRequest):
                await accounts.set_profile(account_id, name, zone)


@asynchronous
async def test_an_address_is_changed_to_one_that_nobody_has(tmp_path):
    async with open_people(tmp_path) as bench:
        accounts = bench.store.identity.accounts
        await accounts.create("second@example.com", "a long password")
        with pytest.raises(errors.DuplicateEmail):
            await accounts.set_email(await proof(bench), "Second@example.com")
        await accounts.set_email(await proof(bench), "Renamed@example.com")
        assert (await sign_in(bench, email="renamed@example.com")).session


@asynchronous
async def test_an_account_deletes_itself_with_all_that_it_has_but_its_log_and_an_operators_does_not(tmp_path):
    async with open_people(tmp_path, sign_up="open") as bench:
        identity = bench.store.identity
        with pytest.raises(errors.InvalidRequest):
            await identity.accounts.delete_own(await proof(bench))
        account = await sign_up(bench)
        await identity.products.enable(account.account_id, "1")
        await identity.second_factors.enroll(account.account_id, NEW, "Undercroft")
        await bench.store.audit.record(account.account_id, OPERATOR_COMMAND, "Look")
        await sign_in(bench, BETTER_PASSWORD, email=NEW)
        await identity.accounts.delete_own(await proof(bench, BETTER_PASSWORD, account_id=account.account_id))
        for table in ("accounts", "keys", "products", "second_factors", "sessions", "links", "caps"):
            found = await bench.catalog.rows.one(
                f"SELECT count(*) FROM {table} WHERE account_id = ?1", (account.account_id,)
            )
            assert found == (0,), table
        assert len((await bench.store.audit.page(account.account_id, Filter(), limit=9)).entries) == 2
