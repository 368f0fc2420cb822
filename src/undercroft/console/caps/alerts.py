"""Edit Alerts: from which part of a cap on there is an alert, and who is told of it."""

from __future__ import annotations

import re
from typing import Any

from starlette.responses import Response

from undercroft.console.caps.amounts import NAMES
from undercroft.console.caps.overview import CHANNELS, page
from undercroft.console.faults import Faults
from undercroft.console.languages import _
from undercroft.console.problems import beside
from undercroft.console.random_secrets import signing_secret
from undercroft.console.visit import Visit
from undercroft.store.accounting.alert_settings import AlertSettings, checked
from undercroft.store.accounting.alert_words import of_alerts
from undercroft.store.accounting.model import ALERTING, Category
from undercroft.store.accounting.telling import ADDRESS
from undercroft.store.buckets.notification_rules import Target
from undercroft.store.errors import InvalidRequest, TooManyAttempts

_PERCENTAGES = re.compile(r"\s*(?:[0-9]{1,3}\s*%?(?:[\s,;]+|\Z))*\Z")
_FIELDS = {
    **{str(category): f"at_{category}" for category in ALERTING},
    "email": "addresses",
    "addresses": "addresses",
    "webhookUrl": "webhook_url",
    "signingSecret": "webhook_secret",
}


async def edit_alerts(visit: Visit) -> Response:
    """The form, as the settings are; without a webhook, with a secret for one that nobody else knows."""
    settings, webhook = await visit.store.accounting.alert_settings.own(visit.principal)
    values: dict[str, Any] = {
        f"at_{category}": ", ".join(str(one) for one in settings.percentages(category)) for category in ALERTING
    }
    values |= {
        "tells_owner": settings.tells_owner,
        "addresses": "\n".join(settings.addresses),
        "warns_of_keys": settings.warns_of_keys,
        "webhook_url": "" if webhook is None else webhook.url,
        "webhook_secret": signing_secret() if webhook is None else webhook.signing_secret or "",
    }
    return _form(visit, values)


async def change_alerts(visit: Visit) -> Response:
    """Replace the settings."""
    visit.audit(target=visit.account.email)
    values: dict[str, Any] = {f"at_{category}": visit.field(f"at_{category}").strip() for category in ALERTING}
    values |= {name: visit.field(name).strip() for name in ("addresses", "webhook_url", "webhook_secret")}
    values |= {name: bool(visit.field(name)) for name in ("tells_owner", "warns_of_keys")}
    url, secret = values["webhook_url"], values["webhook_secret"]
    faults, thresholds = Faults(_FIELDS, "addresses"), dict[Category, tuple[int, ...]]()
    for category in ALERTING:
        with faults.gathered():
            thresholds[category] = _percentages(category, values[f"at_{category}"])
    given = AlertSettings(
        thresholds=thresholds,
        tells_owner=values["tells_owner"],
        addresses=tuple(re.split(r"[\s,;]+", values["addresses"])) if values["addresses"] else (),
        warns_of_keys=values["warns_of_keys"],
    )
    target = Target(url, signing_secret=secret or None) if url else None
    for part, webhook in (
        (AlertSettings(thresholds=thresholds), None), (AlertSettings(addresses=given.addresses), None), (AlertSettings(), target)
    ):  # fmt: skip
        with faults.gathered():
            checked(part, webhook)
    if faults:
        return _form(visit, values, status=422, errors=faults.errors)
    try:
        before = await visit.store.accounting.alert_settings.own(visit.principal)
        changed = await visit.store.alert_recipients.change_own(visit.principal, given, target)
    except (InvalidRequest, TooManyAttempts) as error:
        return _form(visit, values, status=422, errors=beside(error, _FIELDS, "addresses"))
    visit.audit_changes(of_alerts(before), of_alerts(changed))
    is_asked = set(changed.settings.addresses) - set(before.settings.addresses)
    can_mail = visit.store.identity.letters.can_be_sent
    return visit.redirect("/caps", notice="alerts-asked" if is_asked and can_mail else "alerts-updated")


async def ask_again(visit: Visit) -> Response:
    """Send the link again to an address that has not confirmed."""
    address = visit.field("address")
    visit.audit(target=address)
    await visit.store.alert_recipients.ask_again(visit.principal, address)
    return visit.redirect("/caps", notice="alerts-asked-again")


async def send_test(visit: Visit) -> Response:
    """Send a test to one of those who are told, and show what came of it."""
    channel = visit.field("channel")
    visit.audit(target=CHANNELS.get(channel, channel.removeprefix(ADDRESS)))
    outcome = await visit.store.work.notices.test(visit.principal, channel)
    visit.audit(outcome=outcome.error or "taken")
    return await page(visit, tested=channel, outcome=outcome)


def _percentages(category: Category, text: str) -> tuple[int, ...]:
    if not _PERCENTAGES.match(text):
        raise InvalidRequest(_("Type percentages such as 75, 100, or nothing."), category)
    return tuple(int(number) for number in re.findall(r"[0-9]+", text))


def _form(visit: Visit, values: dict[str, Any], **render: Any) -> Response:
    return visit.render(
        "caps/alerts.html",
        values=values,
        categories=[(category, _(NAMES[category])) for category in ALERTING],
        can_mail=visit.store.identity.letters.can_be_sent,
        **render,
    )
