"""b2_reserve_trial_create_account. Its answer is documented nowhere: docs/decisions/013 says what it is here, and why."""

from __future__ import annotations

from undercroft.native.bodies import Body
from undercroft.native.call import Answer, Call
from undercroft.native.partner.shapes import check_region, region_name
from undercroft.store.identity.accounts import NewAccount
from undercroft.store.identity.trials import Order


class TrialOrder(Body):
    """An entry of the body, which is an array: an account that is asked for, `term` in days and `storage` in TB."""

    email: str
    term: int
    storage: int
    region: str | None = None


async def create_trial_accounts(call: Call, body: list[TrialOrder]) -> list[Answer]:
    """Make an account for each entry or none at all; the only answer that has the secrets of their keys."""
    for entry in body:
        check_region(call, entry.region)
    orders = [Order(entry.email, entry.term, entry.storage) for entry in body]
    made = await call.store.identity.trials.create(call.managing, orders)
    return [_shape(call, order, account) for order, account in zip(orders, made, strict=True)]


def _shape(call: Call, order: Order, made: NewAccount) -> Answer:
    return {
        "accountId": made.account.account_id,
        "applicationKey": made.key.secret,
        "applicationKeyId": made.key.key_id,
        "email": made.account.email,
        "region": region_name(call),
        "s3Endpoint": call.settings.s3_endpoint(call.origin),
        "storage": order.terabytes,
        "term": order.days,
        "trialEndTimestamp": made.account.trial_ends_ms,
    }
