"""The Caps & Alerts page: what is used of each cap today, what buckets and keys use of their own, and the latest alerts."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from starlette.responses import Response

from undercroft import limits
from undercroft.console.caps.amounts import NAMES, name_of, shown
from undercroft.console.caps.parts import bars_of, part_of, row_of_bucket
from undercroft.console.languages import N_, _
from undercroft.console.visit import Visit
from undercroft.store.accounting.alert_settings import AlertSettings
from undercroft.store.accounting.model import (
    CATEGORIES,
    Category,
    DayOfUsage,
    Done,
    Held,
    Quotas,
    SoftLimits,
    Subject,
    day_of,
)
from undercroft.store.accounting.telling import ADDRESS, OWNER, WEBHOOK
from undercroft.store.work.sending import Outcome

ALERT_DAYS = 30
KEYS_SHOWN = 100
CHANNELS = {OWNER: N_("The account's address"), WEBHOOK: N_("The webhook")}


class Row(NamedTuple):
    """A cap, or where there is none, what there would be one on."""

    category: Category
    name: str
    used: str
    cap: str | None
    soft: str  # The soft limit, where there is one.
    percent: int | None  # Of the cap, or else of the soft limit.
    tone: str  # The class of its bar.
    is_operators: bool  # Whether it is the operator's, which is lower than the account's own.
    alerts_at: str  # The percentages of it that alert.


class Told(NamedTuple):
    """Somebody who is, or is to be, told of alerts. `channel` is empty where nothing is sent yet: `waits` is why."""

    name: str
    channel: str
    waits: str = ""


async def overview(visit: Visit) -> Response:
    """The caps of the account and of its buckets, and the alerts of the last days."""
    return await page(visit)


async def page(visit: Visit, *, tested: str = "", outcome: Outcome | None = None) -> Response:
    """The page, with what came of a test that was sent by a channel."""
    store, account_id = visit.store, visit.account.account_id
    today = day_of(store.ambient.now_ms())
    days = await store.accounting.reports.of_account(account_id, today, today)
    held = await store.buckets.usage(visit.principal)
    used = used_today(days[0] if days else None, sum(of_bucket.files for of_bucket in held.values()))
    counting, operators = (
        await store.accounting.caps.of(account_id),
        await store.accounting.caps.of_operator(account_id),
    )
    alerts = await store.accounting.alerts.recent(account_id, days=ALERT_DAYS)
    settings, webhook = await store.accounting.alert_settings.own(visit.principal)
    bounded = await store.accounting.quotas.bounded(visit.principal)
    keys = [(subject, bars_of(*of_key)) for subject, of_key in bounded.items() if subject.kind == "key"]
    soft = await store.accounting.quotas.soft_of("account", account_id)
    return visit.render(
        "caps/overview.html",
        rows=[
            _row(category, used[category], getattr(counting, category), soft, getattr(operators, category), settings)
            for category in CATEGORIES
        ],
        class_a=days[0].transactions("A") if days else 0,
        buckets=[
            row_of_bucket(
                bucket,
                held.get(bucket.bucket_id, Held()),
                *bounded.get(Subject("bucket", bucket.bucket_id, bucket.name), (Quotas(), {}, Done())),
            )
            for bucket in await visit.own_buckets()
        ],
        keys=keys[:KEYS_SHOWN],
        more_keys=max(0, len(keys) - KEYS_SHOWN),
        alerts=[
            (
                alert,
                name_of(alert.category, alert.subject),
                shown(alert.category, alert.used),
                shown(alert.category, alert.cap),
            )
            for alert in alerts
        ],
        alert_days=ALERT_DAYS,
        told=_told(visit, settings),
        webhook_host="" if webhook is None else urlsplit(webhook.url).netloc,
        warns_of_keys=settings.warns_of_keys,
        can_mail=store.identity.letters.can_be_sent,
        tested=_(CHANNELS[tested]) if tested in CHANNELS else tested.removeprefix(ADDRESS),
        outcome=outcome,
        answer="" if outcome is None else outcome.body.decode("utf-8", "replace")[: limits.TEST_ANSWER_SHOWN],
        undelivered=[
            (_(CHANNELS[one.channel]) if one.channel in CHANNELS else one.channel.removeprefix(ADDRESS), one)
            for one in await store.work.notices.undelivered(account_id)
        ],
    )


def _told(visit: Visit, settings: AlertSettings) -> list[Told]:
    """Who is told by mail."""
    owner = [Told(visit.account.email, OWNER)] if settings.tells_owner else []
    return owner + [
        Told(one, f"{ADDRESS}{one}") if one in settings.confirmed else Told(one, "", _("Waiting for confirmation"))
        for one in settings.addresses
    ]


def used_today(day: DayOfUsage | None, files: int) -> dict[Category, int]:
    """What was used of each category on a day, with the files that there are."""
    if day is None:
        return {**dict.fromkeys(CATEGORIES, 0), "files": files}
    return {
        "storage": day.stored_bytes or 0,
        "files": files,
        "download": day.downloaded_bytes,
        "class_b": day.transactions("B"),
        "class_c": day.transactions("C"),
    }


def _row(
    category: Category,
    used: int,
    cap: int | None,
    soft: SoftLimits,
    operators: int | None,
    settings: AlertSettings,
) -> Row:
    part = part_of(used, cap, soft.get(category), category)
    return Row(
        category,
        _(NAMES[category]),
        shown(category, used),
        None if cap is None else shown(category, cap),
        shown(category, soft[category]) if category in soft else "",
        None if part is None else part.percent,
        "" if part is None else part.tone,
        cap is not None and cap == operators,
        "" if cap is None else ", ".join(f"{one} %" for one in settings.percentages(category)) or _("refusals only"),
    )
