"""What tests of accounting ask of a bench: caps, alerts, and what is counted today."""

from __future__ import annotations

from undercroft.store.accounting.model import DAY_MS


async def cap(bench, **caps):
    """Set caps of the bench's account."""
    await bench.store.accounting.caps.change(bench.bucket.account_id, caps)


async def alerts(bench, days=30):
    """The alerts of the account: what is used of what, and how many percent that is."""
    found = await bench.store.accounting.alerts.recent(bench.bucket.account_id, days=days)
    return sorted((alert.category, alert.percent, alert.used) for alert in found)


def today(bench):
    """The day that the bench's clock shows."""
    return bench.clock.ms // DAY_MS


async def usage_today(bench):
    """What the account has done today, as far as it is written down."""
    [day] = await bench.store.accounting.reports.of_account(bench.bucket.account_id, today(bench), today(bench))
    return day
