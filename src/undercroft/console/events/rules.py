"""The rules of a bucket as a list, and what is done to one of them as a whole."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.responses import Response

from undercroft.console.languages import _
from undercroft.console.visit import Visit
from undercroft.store.buckets.notification_rules import Rule
from undercroft.store.errors import NoSuchRule


def path_of(bucket_name: str) -> str:
    """Where the rules of a bucket are listed."""
    return f"/buckets/{bucket_name}/events"


def named(rules: list[Rule], name: str) -> Rule:
    """The rule of this name. Raises `NoSuchRule`."""
    for rule in rules:
        if rule.name == name:
            return rule
    raise NoSuchRule(_("There is no rule %(name)s.", name=name[:100]))


async def show(visit: Visit) -> Response:
    """The rules, and where their events go."""
    bucket = await visit.bucket()
    rules = await visit.store.notifications.rules(visit.principal, bucket.bucket_id)
    rows = [(rule, urlsplit(rule.target.url).netloc) for rule in rules]
    return visit.render("events/rules.html", bucket=bucket, rows=rows)


async def ask_to_remove(visit: Visit) -> Response:
    """What goes with a rule."""
    bucket = await visit.bucket()
    rules = await visit.store.notifications.rules(visit.principal, bucket.bucket_id)
    return visit.render("events/remove.html", bucket=bucket, rule=named(rules, visit.path("rule")))


async def remove(visit: Visit) -> Response:
    """Remove a rule, with what waits for it."""
    bucket = await visit.bucket()
    rules = await visit.store.notifications.rules(visit.principal, bucket.bucket_id)
    gone = named(rules, visit.path("rule"))
    await visit.store.notifications.set_rules(
        visit.principal, bucket.bucket_id, [rule for rule in rules if rule is not gone]
    )
    return visit.redirect(path_of(bucket.name), notice="rule-removed")


async def try_again(visit: Visit) -> Response:
    """End the suspension of every rule and deliver what waits now: setting the rules again does that."""
    bucket = await visit.bucket()
    rules = await visit.store.notifications.rules(visit.principal, bucket.bucket_id)
    named(rules, visit.path("rule"))
    await visit.store.notifications.set_rules(visit.principal, bucket.bucket_id, rules)
    return visit.redirect(f"{path_of(bucket.name)}/{visit.path('rule')}/log", notice="tried-again")
