"""Counting attempts, so that nobody guesses passwords and codes, or has mails sent, without end.

The counts are in the catalog: they hold over all processes and nodes, and over a restart. An attempt counts before it is looked
at, so that many at once are no more than one after the other.
"""

from __future__ import annotations

import hashlib
import ipaddress
from typing import NamedTuple

from undercroft import limits
from undercroft.catalog import attempts
from undercroft.catalog.contract import Transaction
from undercroft.store.ambient import Ambient
from undercroft.store.errors import TooManyAttempts
from undercroft.store.gate import Gate


class Allowance(NamedTuple):
    """How many attempts a subject has within `limits.ATTEMPTS_WINDOW_S`."""

    subject: str
    most: int


class Attempts:
    """The attempts of everybody."""

    def __init__(self, gate: Gate, ambient: Ambient) -> None:
        self._gate = gate
        self._ambient = ambient

    async def take(self, *allowances: Allowance) -> None:
        """Count an attempt of each of these. Raises `TooManyAttempts` where one has none left."""
        now_ms = self._ambient.now_ms()
        until_ms = now_ms + limits.ATTEMPTS_WINDOW_S * 1000

        async def change(tx: Transaction) -> list[tuple[int, int]]:
            return [await attempts.take(tx, one.subject, now_ms, until_ms) for one in allowances]

        counted = await self._gate.write(change)
        over = [
            (end, count - one.most) for (count, end), one in zip(counted, allowances, strict=True) if count > one.most
        ]
        if over:
            wait_ms = max(end for end, _ in over) - now_ms
            raise TooManyAttempts(-(-wait_ms // 1000), is_first=any(excess == 1 for _, excess in over))

    async def forgive(self, own: Allowance, *others: Allowance) -> None:
        """An attempt was right: nothing counts against `own` any more, and this one not against the others."""

        async def change(tx: Transaction) -> None:
            await attempts.forget(tx, own.subject)
            for other in others:
                await attempts.give_back(tx, other.subject)

        await self._gate.write(change)


def by_email(what: str, email: str, most: int) -> Allowance:
    """The attempts at an account. An address may be anything that a stranger has typed, so its digest stands for it."""
    return Allowance(f"{what}:{hashlib.sha256(email.strip().lower().encode()).hexdigest()[:32]}", most)


def by_address(what: str, address: str, most: int) -> Allowance:
    """The attempts from an IPv4 address, or from a network of 64 bits, which one subscriber has of IPv6."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return Allowance(f"{what}@", most)
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or ipaddress.ip_network((parsed, 64), strict=False).network_address
    return Allowance(f"{what}@{parsed}", most)
