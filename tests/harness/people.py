"""Stores whose people sign up and get mail, and what tests say of them often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from pyotp import TOTP

from harness.stores import Bench, SetClock, open_bench
from undercroft.outgoing.mail import Mail
from undercroft.store.identity.people import People
from undercroft.store.identity.proofs import Proof
from undercroft.store.identity.sign_in import Browser, Step

OWNER, PASSWORD = "owner@example.com", "a long password"
BROWSER = Browser("203.0.113.7", "Test/1.0")
BETTER_PASSWORD = "seven quiet harbours"


class Postbox:
    """Takes letters, and keeps them."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.mails.append(mail)

    def link(self, number: int = -1) -> str:
        """The secret at the end of the link of a letter."""
        [line] = [line for line in self.mails[number].text.splitlines() if "-password/" in line or "sign-up/" in line]
        return line.rpartition("/")[2]


@asynccontextmanager
async def open_people(folder: Path, **of_people: object) -> AsyncIterator[Bench]:
    """A bench whose store has these decisions about people."""
    async with open_bench(folder / "data", clock=SetClock(), people=People(**of_people)) as bench:
        yield bench


async def set_up_app(bench: Bench) -> tuple[TOTP, list[str]]:
    """The owner's authenticator app, and the recovery codes."""
    account_id = bench.bucket.account_id
    app = TOTP((await bench.store.identity.second_factors.enroll(account_id, OWNER, "Undercroft")).secret)
    codes = await bench.store.identity.second_factors.confirm(await proof(bench), code(bench, app))
    bench.clock.ms += 30_000
    return app, codes


def code(bench: Bench, app: TOTP) -> str:
    """What the app shows now."""
    return app.at(bench.clock.ms // 1000)


async def proof(bench: Bench, password: str = PASSWORD, *, account_id: str = "") -> Proof:
    """What whoever is signed in has to show for what asks for the password again."""
    return await bench.store.identity.sign_in.confirm_password(account_id or bench.bucket.account_id, password)


async def sign_in(bench: Bench, password: str = PASSWORD, *, browser: Browser = BROWSER, email: str = OWNER) -> Step:
    """The first step of the owner's sign-in."""
    return await bench.store.identity.sign_in.with_password(email, password, browser)
