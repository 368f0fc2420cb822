"""Passkeys: what an authenticator signs counts on the site that it was signed for, by a person who was verified, once."""

from __future__ import annotations

import json
from contextlib import asynccontextmanager

import pytest

from harness.asynchronous import asynchronous
from harness.authenticator import PRESENT, VERIFIED, Authenticator
from harness.people import BETTER_PASSWORD, BROWSER, OWNER, Postbox, open_people, proof
from undercroft.store import errors
from undercroft.store.identity.passkeys import Site

SITE = Site("console.example.com", "https://console.example.com")
ELSEWHERE = "https://console.example.com.evil.example"


@asynccontextmanager
async def open_with_passkey(folder):
    """People, of whom the owner has a passkey."""
    async with open_people(folder) as bench:
        authenticator = Authenticator(SITE.host)
        await add(bench, authenticator)
        yield bench, authenticator


async def add(bench, authenticator, *, origin=SITE.origin, flags=PRESENT | VERIFIED, name="Laptop"):
    proven = await proof(bench)
    options = await bench.store.identity.passkeys.begin_adding(proven, SITE)
    credential = authenticator.make(options, origin, flags=flags)
    return await bench.store.identity.passkeys.add(proven.account, SITE, name, credential)


async def sign_in(bench, authenticator, *, origin=SITE.origin, **signing):
    options = await bench.store.identity.sign_in.begin_with_passkey(SITE, BROWSER)
    return await bench.store.identity.sign_in.with_passkey(
        SITE, authenticator.sign(options, origin, **signing), BROWSER
    )


@asynchronous
async def test_a_passkey_signs_in_again_and_again(tmp_path):
    async with open_with_passkey(tmp_path) as (bench, authenticator):
        for _ in range(2):
            session = await sign_in(bench, authenticator)
            assert (await bench.store.identity.sessions.find(session, address="")).account.email == OWNER


@pytest.mark.parametrize(
    "signing",
    [
        {"origin": ELSEWHERE},
        {"origin": "http://console.example.com"},
        {"origin": "https://console.example.com:8443"},
        {"host": "example.com"},
        {"flags": PRESENT},
        {"flags": VERIFIED},
        {"flags": 0},
    ],
    ids=str,
)
@asynchronous
async def test_what_was_signed_for_another_site_or_without_the_person_signs_nobody_in(tmp_path, signing):
    async with open_with_passkey(tmp_path) as (bench, authenticator):
        with pytest.raises(errors.WrongPasskey):
            await sign_in(bench, authenticator, **signing)
        assert await sign_in(bench, authenticator), "and it still works where it belongs"


@pytest.mark.parametrize("making", [{"origin": ELSEWHERE}, {"flags": PRESENT}, {"flags": VERIFIED}], ids=str)
@asynchronous
async def test_none_is_kept_that_was_made_for_another_site_or_without_the_person(tmp_path, making):
    async with open_people(tmp_path) as bench:
        with pytest.raises(errors.WrongPasskey):
            await add(bench, Authenticator(SITE.host), **making)
        assert await bench.store.identity.passkeys.of_account(bench.bucket.account_id) == []


@pytest.mark.parametrize(
    "name", ["", " ", "x" * 101, 'Laptop".\n\nAll is well: https://evil.example', "Lap\u2028top"], ids=ascii
)
@asynchronous
async def test_a_name_is_one_line_of_at_most_100_characters_since_letters_have_it(tmp_path, name):
    async with open_people(tmp_path) as bench:
        with pytest.raises(errors.InvalidRequest):
            await add(bench, Authenticator(SITE.host), name=name)
        assert await add(bench, Authenticator(SITE.host), name="x" * 100)


@asynchronous
async def test_a_copy_of_an_authenticator_is_found_by_its_count(tmp_path):
    async with open_with_passkey(tmp_path) as (bench, authenticator):
        await sign_in(bench, authenticator)
        authenticator.uses = 0
        with pytest.raises(errors.WrongPasskey):
            await sign_in(bench, authenticator)


@asynchronous
async def test_a_stranger_who_signs_in_the_name_of_a_passkey_is_refused(tmp_path):
    async with open_with_passkey(tmp_path) as (bench, authenticator):
        stranger = Authenticator(SITE.host)
        options = await bench.store.identity.sign_in.begin_with_passkey(SITE, BROWSER)
        mine, theirs = authenticator.sign(options, SITE.origin), stranger.sign(options, SITE.origin)
        forged = json.loads(theirs) | {name: json.loads(mine)[name] for name in ("id", "rawId")}
        with pytest.raises(errors.WrongPasskey):
            await bench.store.identity.sign_in.with_passkey(SITE, json.dumps(forged), BROWSER)


@asynchronous
async def test_a_reset_ends_sessions_keeps_passkeys_but_those_that_are_to_go_and_tells_of_both(tmp_path):
    box = Postbox()
    async with open_people(tmp_path, mailer=box) as bench:
        identity, account_id = bench.store.identity, bench.bucket.account_id
        kept, stolen = Authenticator(SITE.host), Authenticator(SITE.host)
        await add(bench, kept)
        unknown = await add(bench, stolen, name="Not mine")
        session = await sign_in(bench, stolen)
        other = (await identity.accounts.create("other@example.com", BETTER_PASSWORD)).account
        await identity.passwords.request_reset(OWNER, "203.0.113.7")
        await identity.letters.sent()
        assert (await identity.passwords.look_at_link(box.link())).account_id == account_id
        ids = [unknown.passkey_id, "0" * 16, other.account_id]
        done = await identity.passwords.reset(box.link(), BETTER_PASSWORD, without_passkeys=ids)
        assert (done.gone, done.stay) == (["Not mine"], ["Laptop"])
        assert await identity.sessions.find(session, address="") is None
        with pytest.raises(errors.WrongPasskey):
            await sign_in(bench, stolen)
        assert await sign_in(bench, kept)
        await identity.letters.sent()
        assert 'These passkeys were removed: "Not mine".' in box.mails[-1].text
        assert 'These passkeys still sign in without it: "Laptop".' in box.mails[-1].text
        await identity.passwords.change(await proof(bench, BETTER_PASSWORD), "nine louder harbours", session="")
        await identity.letters.sent()
        assert 'still sign in without it: "Laptop".' in box.mails[-1].text
