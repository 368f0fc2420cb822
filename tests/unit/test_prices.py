"""Prices as an operator writes them, and what use comes to at them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from undercroft import limits
from undercroft.prices import MONTH_HOURS, Prices, amount, estimate, parse_prices

NOTHING = {"byte_hours": 0, "downloaded_bytes": 0, "class_a": 0, "class_b": 0, "class_c": 0}


def test_prices_are_a_currency_and_parts_in_any_order():
    assert parse_prices("EUR") == Prices("EUR")
    assert parse_prices("USD, class_b=0.004 ,storage=6.95") == Prices(
        "USD", storage=Decimal("6.95"), class_b=Decimal("0.004")
    )


@pytest.mark.parametrize(
    "text",
    [
        "", "usd", "storage=6", "USD,storage", "USD,storage=six", "USD,storage=-1", "USD,storage=NaN", "USD,upload=1",
        "USD,storage=1,storage=2", "USD,", f"USD,storage={limits.PRICE_MAX + 1}", "USD,storage=Infinity",
    ],
)  # fmt: skip
def test_what_is_no_price_is_refused(text):
    with pytest.raises(ValueError, match="expected"):
        parse_prices(text)


def test_a_price_has_a_limit():
    for price in (limits.PRICE_MAX - 1, limits.PRICE_MAX):
        assert parse_prices(f"USD,storage={price}").storage == price


def test_a_terabyte_for_a_month_a_gigabyte_and_ten_thousand_calls_cost_their_prices():
    prices = parse_prices("USD,storage=6,download=0.01,class_a=0.001,class_b=0.004,class_c=0.04")
    stored = estimate(prices, **{**NOTHING, "byte_hours": 10**12 * MONTH_HOURS})
    assert (stored.storage, stored.total) == (6, 6)
    assert estimate(prices, **{**NOTHING, "downloaded_bytes": 3 * 10**9}).download == Decimal("0.03")
    calls = estimate(prices, **{**NOTHING, "class_a": 10_000, "class_b": 20_000, "class_c": 5_000})
    assert calls.calls == Decimal("0.001") + Decimal("0.008") + Decimal("0.02")
    assert estimate(prices, **NOTHING).total == 0


def test_amounts_are_rounded_half_up():
    assert [amount(Decimal(text)) for text in ("0.005", "0.0049", "12")] == ["0.01", "0.00", "12.00"]
