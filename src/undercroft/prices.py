"""Prices that an operator sets, and what use comes to at them: an estimate to charge departments by, never a bill."""

from __future__ import annotations

import re
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

import msgspec

from undercroft import limits

TERABYTE = 10**12
GIGABYTE = 10**9
CALLS_PRICED = 10_000
MONTH_HOURS = 30 * 24
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_PARTS = ("storage", "download", "class_a", "class_b", "class_c")


class Prices(msgspec.Struct, frozen=True):
    """Per terabyte stored for 30 days, per gigabyte downloaded, and per 10,000 calls of a class; 10^12 and 10^9 bytes."""

    currency: str
    storage: Decimal = Decimal(0)
    download: Decimal = Decimal(0)
    class_a: Decimal = Decimal(0)
    class_b: Decimal = Decimal(0)
    class_c: Decimal = Decimal(0)


class Estimate(msgspec.Struct, frozen=True):
    """What use comes to, part by part, in the currency of the prices."""

    storage: Decimal
    download: Decimal
    calls: Decimal

    @property
    def total(self) -> Decimal:
        """All parts together."""
        return self.storage + self.download + self.calls


def estimate(
    prices: Prices, *, byte_hours: int, downloaded_bytes: int, class_a: int, class_b: int, class_c: int
) -> Estimate:
    """What so many bytes times hours, bytes downloaded and calls come to."""
    priced = class_a * prices.class_a + class_b * prices.class_b + class_c * prices.class_c
    return Estimate(
        prices.storage * byte_hours / (TERABYTE * MONTH_HOURS),
        prices.download * downloaded_bytes / GIGABYTE,
        priced / CALLS_PRICED,
    )


def amount(value: Decimal, places: int = 2) -> str:
    """An amount of money as it is written, rounded to so many decimal places."""
    return str(value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP))


def parse_prices(text: str) -> Prices:
    """The prices of a text such as `USD,storage=6.00,download=0.01,class_b=0.004`. Raises `ValueError`."""
    currency, *items = (item.strip() for item in text.split(","))
    if not _CURRENCY.match(currency):
        raise ValueError(f"expected a currency of three capital letters first, got {currency!r}")
    found: dict[str, Decimal] = {}
    for item in items:
        part, _, number = item.partition("=")
        if part not in _PARTS or part in found:
            raise ValueError(f"expected each of {', '.join(_PARTS)} at most once, got {part!r}")
        found[part] = _price(number)
    return Prices(currency, **found)


def _price(number: str) -> Decimal:
    try:
        price = Decimal(number)
    except InvalidOperation:
        raise ValueError(f"expected a number, got {number!r}") from None
    if not price.is_finite() or not 0 <= price <= limits.PRICE_MAX:
        raise ValueError(f"expected a price from 0 to {limits.PRICE_MAX}, got {number!r}")
    return price
