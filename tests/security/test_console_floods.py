"""Floods at the console (CWE-400, CWE-307, CWE-645): passwords that are tried, connections that are held open, forms that do not end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from urllib.parse import urlsplit

import pytest
import requests

from harness.asynchronous import asynchronous
from harness.console_forms import TIMEOUT_S, Browser
from harness.people import BETTER_PASSWORD, BROWSER, OWNER, PASSWORD, code, open_people, proof, set_up_app, sign_in
from undercroft import limits
from undercroft.console.crowd import Crowd
from undercroft.store import errors
from undercroft.store.identity import passwords
from undercroft.store.identity.sign_in import Browser as Somebody

HELD_OPEN = 400


async def use_up(bench, *, email=OWNER, address="203.0.113.66"):
    """What a stranger does who wants somebody to be locked out."""
    for _ in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT + 1):
        with pytest.raises((errors.BadCredentials, errors.TooManyAttempts)):
            await sign_in(bench, "wrong", browser=Somebody(address, "A stranger's"), email=email)


@pytest.fixture
def quick(monkeypatch):
    """Has passwords hashed at once: how often is what matters here."""
    monkeypatch.setattr(limits, "SIGN_IN_ATTEMPTS_OF_ACCOUNT", 3)
    monkeypatch.setattr(limits, "SIGN_IN_ATTEMPTS_OF_ADDRESS", 6)


@asynchronous
async def test_strangers_lock_nobody_out_of_a_browser_that_was_signed_in_before(tmp_path, quick):
    async with open_people(tmp_path) as bench:
        known = (await sign_in(bench)).known
        mine = Somebody("203.0.113.66", "Mine", known=known)  # Also where all come from one address, as behind a proxy.
        await use_up(bench)
        with pytest.raises(errors.TooManyAttempts):
            await sign_in(bench)
        renewed = await sign_in(bench, browser=mine)
        assert renewed.session
        assert renewed.known not in ("", known)
        assert (await proof(bench)).account.email == OWNER  # Nor is who is signed in kept from what asks again.


@asynchronous
async def test_a_known_browser_has_no_more_tries_than_others(tmp_path, quick):
    async with open_people(tmp_path) as bench:
        mine = Somebody("203.0.113.7", "Mine", known=(await sign_in(bench)).known)
        for _ in range(limits.SIGN_IN_ATTEMPTS_OF_ACCOUNT):
            with pytest.raises(errors.BadCredentials):
                await sign_in(bench, "wrong", browser=mine)
        with pytest.raises(errors.TooManyAttempts):
            await sign_in(bench, browser=mine)


@asynchronous
async def test_a_browser_is_known_to_its_account_alone_and_for_as_long_as_the_password(tmp_path, quick):
    async with open_people(tmp_path) as bench:
        identity = bench.store.identity
        await identity.accounts.create("other@example.com", PASSWORD)
        first = await sign_in(bench)
        mine = Somebody(BROWSER.address, "Mine", known=first.known)
        await use_up(bench, email="other@example.com")
        for known in (mine.known, mine.known[:-1] + "x", "4_x_y_z_know_a_b", "\u0661_" * 50, await token_of(bench)):
            with pytest.raises(errors.TooManyAttempts):
                await sign_in(bench, browser=Somebody("192.0.2.1", "x", known=known), email="other@example.com")
        await identity.passwords.change(await proof(bench), BETTER_PASSWORD, session=first.session)
        await use_up(bench, address="203.0.113.67")
        with pytest.raises(errors.TooManyAttempts):
            await sign_in(bench, BETTER_PASSWORD, browser=mine)
        bench.clock.ms += limits.KNOWN_BROWSER_VALID_S * 1000
        later = Somebody(BROWSER.address, "Mine", known=(await sign_in(bench, BETTER_PASSWORD)).known)
        bench.clock.ms += limits.KNOWN_BROWSER_VALID_S * 1000
        await use_up(bench, address="203.0.113.68")
        with pytest.raises(errors.TooManyAttempts):
            await sign_in(bench, BETTER_PASSWORD, browser=later)


async def token_of(bench):
    return await bench.store.identity.account_token(bench.principal)


@asynchronous
async def test_a_known_browser_still_has_to_give_its_code_and_opens_nothing_by_itself(tmp_path):
    async with open_people(tmp_path) as bench:
        app, _ = await set_up_app(bench)
        identity = bench.store.identity
        step = await sign_in(bench)
        assert step.known == ""
        step = await identity.sign_in.with_code(step.pending, code(bench, app), BROWSER, trust=False)
        again = await sign_in(bench, browser=Somebody(BROWSER.address, "Mine", known=step.known))
        assert (again.session, again.known) == ("", "")
        assert await identity.sessions.find(step.known, address="") is None
        for opens in (identity.principal_of_account_token, identity.principal_of_download_token):
            with pytest.raises(errors.BadToken):
                await opens(step.known)


@asynchronous
async def test_few_passwords_are_looked_at_at_once_and_of_many_the_last_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "PASSWORDS_WAITING_MAX", 5)
    inside, most, may_go = [], [], threading.Event()

    def slow(*_arguments):
        inside.append(1)
        most.append(len(inside))
        may_go.wait(60)
        inside.pop()
        return True

    monkeypatch.setattr(passwords, "_verify", slow)
    tries = [asyncio.create_task(passwords.verify_password("guess", None)) for _ in range(20)]
    done, _ = await asyncio.wait(tries, return_when=asyncio.FIRST_COMPLETED)
    assert all(isinstance(task.exception(), errors.Busy) for task in done)
    may_go.set()
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(result) for result in results] == [bool] * (limits.PASSWORDS_AT_ONCE + 5) + [errors.Busy] * (
        15 - limits.PASSWORDS_AT_ONCE
    )
    assert max(most) <= limits.PASSWORDS_AT_ONCE
    assert await passwords.verify_password("guess", None)  # Nobody is counted who has left.


@asynchronous
async def test_who_asks_for_much_at_once_waits_for_oneself_and_keeps_nobody_else_waiting(monkeypatch):
    monkeypatch.setattr(limits, "CONSOLE_REQUESTS_WAITING_MAX", 3)
    crowd, may_end, inside = Crowd(), asyncio.Event(), []

    async def ask(account_id):
        async with crowd.turn(account_id):
            inside.append(account_id)
            await may_end.wait()

    room = limits.CONSOLE_REQUESTS_AT_ONCE
    many = [asyncio.create_task(ask("many")) for _ in range(room + 5)]
    refused, _ = await asyncio.wait(many, return_when=asyncio.FIRST_COMPLETED)
    assert [type(task.exception()) for task in refused] == [errors.Busy] * 2
    few = asyncio.create_task(ask("few"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert inside == ["many"] * room + ["few"]
    leaving = many[0]
    leaving.cancel()
    may_end.set()
    await asyncio.gather(*many, few, return_exceptions=True)
    assert inside == ["many"] * room + ["few"] + ["many"] * 3
    assert crowd._queues == {}


def test_connections_and_forms_that_do_not_end_keep_nobody_from_console_and_api(server, new_name):
    email = f"{new_name('flooded')}@example.com"
    server.create_account(email)
    browser = Browser(server)
    assert browser.sign_in(email).status_code == 303
    address = urlsplit(server.console_url)
    beginnings = [
        b"",
        b"G",
        b"GET /buckets HTTP/1.1\r\nHost: x\r\n",
        b"POST /sign-in/password HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n",
        f"POST /sign-in/password HTTP/1.1\r\nHost: x\r\nOrigin: {server.console_url}\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 1000000\r\n\r\nemail=a".encode(),
    ]
    with contextlib.ExitStack() as stack:
        for number in range(HELD_OPEN):
            connection = stack.enter_context(socket.create_connection((address.hostname, address.port), timeout=60))
            connection.sendall(beginnings[number % len(beginnings)])
        assert browser.get("/buckets").status_code == 200
        assert requests.get(f"{server.api_url}/b2api/v4/none", timeout=TIMEOUT_S).status_code < 500
        large = browser.post("/sign-in/password", {"email": "x" * limits.CONSOLE_FORM_MAX_BYTES, "password": "x"})
        assert large.status_code == 413
        nobody = Browser(server)
        form = {"email": "x" * limits.CONSOLE_OPEN_FORM_MAX_BYTES, "password": "x"}
        assert nobody.post("/sign-in/password", form).status_code == 413  # 4,096 of them have room.
        many = {f"field-{number}": "x" for number in range(limits.CONSOLE_FORM_FIELDS_MAX + 1)}
        assert browser.post("/sign-in/password", many).status_code == 400
        assert browser.get("/buckets").status_code == 200
