"""What was sent for a rule, and sending a test event."""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.events.rules import named
from undercroft.console.visit import Visit
from undercroft.store.work.sending import Outcome


async def show(visit: Visit) -> Response:
    """The log of a rule, newest first."""
    return await _page(visit)


async def send_test(visit: Visit) -> Response:
    """Send a test event now, and show what the target answers."""
    bucket = await visit.bucket()
    named(await visit.store.notifications.rules(visit.principal, bucket.bucket_id), visit.path("rule"))
    return await _page(visit, await visit.store.work.deliveries.test(bucket, visit.path("rule")))


async def _page(visit: Visit, outcome: Outcome | None = None) -> Response:
    bucket = await visit.bucket()
    rule = named(await visit.store.notifications.rules(visit.principal, bucket.bucket_id), visit.path("rule"))
    return visit.render(
        "events/log.html",
        bucket=bucket,
        rule=rule,
        entries=await visit.store.work.deliveries.log(bucket, rule.name),
        kept=await visit.store.past_events.kept(visit.principal, bucket, rule.name),
        outcome=outcome,
        answer="" if outcome is None else outcome.body.decode("utf-8", "replace")[: limits.TEST_ANSWER_SHOWN],
    )
