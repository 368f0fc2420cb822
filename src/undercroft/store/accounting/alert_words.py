"""Who is told of alerts, in words, for the audit log to tell what was set and what is."""

from __future__ import annotations

from undercroft.store.accounting.alert_settings import Recipients
from undercroft.store.accounting.model import ALERTING


def of_alerts(recipients: Recipients) -> dict[str, str]:
    """Who is told, and of what. Address and secret of the webhook are named so that nobody gets to read them."""
    settings, webhook = recipients
    words = {
        **{
            f"alerts about {category.replace('_', ' ')}": ", ".join(
                f"{one} %" for one in settings.percentages(category)
            )
            for category in ALERTING
        },
        "mail to the account's address": "yes" if settings.tells_owner else "no",
        "mail to": ", ".join(
            one if one in settings.confirmed else f"{one} (waiting for confirmation)" for one in settings.addresses
        ),
        "warnings of keys": "yes" if settings.warns_of_keys else "no",
        "webhook url": "" if webhook is None else webhook.url,
        "signing secret": "" if webhook is None else webhook.signing_secret or "",
    }
    return {name: text for name, text in words.items() if text}
