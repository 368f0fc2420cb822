"""`undercroft account caps` and `undercroft account alerts`: what accounts may use, and who has come near that."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft import limits
from undercroft.cli.cap_options import cap_of, cap_option
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_json, print_table
from undercroft.cli.quotas import CapsAndUsed, as_rows, asked_soft, in_json, soft_option, with_asked
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import (
    CATEGORIES,
    THE_ACCOUNT,
    Alert,
    Caps,
    Category,
    SoftLimits,
    Standing,
    described,
)
from undercroft.store.identity.audit import OPERATOR_COMMAND, changes_of
from undercroft.store.identity.audit_words import of_caps, of_soft_limits


@on_data
def caps(
    settings: Settings,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or e-mail address.")],
    storage: Annotated[str | None, cap_option("How many bytes the account may hold.")] = None,
    files: Annotated[str | None, cap_option("How many files its buckets may show.")] = None,
    download: Annotated[str | None, cap_option("How many bytes may be downloaded from it a day.")] = None,
    class_b: Annotated[str | None, cap_option("How many transactions of class B it may make a day.")] = None,
    class_c: Annotated[str | None, cap_option("How many transactions of class C it may make a day.")] = None,
    soft: Annotated[list[str] | None, soft_option("account")] = None,
    json: JSON = False,
) -> None:
    """Show an account's caps and how much of them it uses. With options, set those; 'none' lifts one.

    A day begins at 00:00 UTC. Caps on storage and files hold at once, the others within seconds.
    """
    wanted_soft = asked_soft("account", soft)
    given: dict[Category, str | None] = {
        "storage": storage,
        "files": files,
        "download": download,
        "class_b": class_b,
        "class_c": class_c,
    }
    asked = {category: cap_of(text) for category, text in given.items() if text is not None}

    async def work(store: Store) -> tuple[str, Caps, SoftLimits, list[Standing]]:
        known = await store.identity.accounts.find(account)
        account_id, caps_of = known.account_id, store.accounting.caps
        of_soft = await store.accounting.quotas.soft_of("account", account_id)
        if asked or wanted_soft:
            before, soft_before = await caps_of.of_operator(account_id), of_soft
            of_soft = with_asked(of_soft, wanted_soft)
            await caps_of.change(account_id, asked, of_soft)
            after = of_caps(await caps_of.of_operator(account_id)) | of_soft_limits(of_soft)
            changes = changes_of(of_caps(before) | of_soft_limits(soft_before), after)
            await store.audit.record(account_id, OPERATOR_COMMAND, "Set caps", target=known.email, changes=changes)
        standing = [*await caps_of.soft_standing(account_id), *await caps_of.standing(account_id)]
        return account_id, await caps_of.of(account_id), of_soft, standing

    account_id, found, of_soft, standing = with_store(settings, work)
    used = {one.category: one.used for one in standing}
    caps_and_used: CapsAndUsed = {
        category: (getattr(found, category), of_soft.get(category), used.get(category)) for category in CATEGORIES
    }
    if json:
        print_json({"accountId": account_id, **in_json(caps_and_used, "account")})
    else:
        print_table(as_rows(caps_and_used, "account"), "")


@on_data
def alerts(
    settings: Settings,
    account: Annotated[
        str | None, typer.Argument(metavar="[ACCOUNT]", help="The account's id or e-mail address. [default: all]")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, max=limits.ACCOUNTING_KEPT_DAYS, help="How many days to look back, today included.")
    ] = 30,
    json: JSON = False,
) -> None:
    """List the alerts raised at 75 and 100 percent of caps, the newest first."""

    async def work(store: Store) -> list[Alert]:
        account_id = None if account is None else (await store.identity.accounts.find(account)).account_id
        return await store.accounting.alerts.recent(account_id, days=days)

    found = with_store(settings, work)
    if json:
        print_json({"alerts": [described(alert) for alert in found]})
    else:
        print_table(
            [
                {
                    "time": day_and_time(alert.at_ms),
                    "account": alert.account_id,
                    "of": "account" if alert.subject == THE_ACCOUNT else f"{alert.subject.kind} {alert.subject.name}",
                    "category": alert.category.replace("_", " "),
                    "percent": alert.percent,
                    "used": alert.used,
                    "cap": alert.cap,
                    "soft": "yes" if alert.is_soft else "",
                }
                for alert in found
            ],
            "There is no alert.",
        )
