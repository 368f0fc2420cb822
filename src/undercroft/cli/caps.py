"""`undercroft account caps` and `undercroft account alerts`: what accounts may use, and who has come near that."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft import limits
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_json, print_table
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import (
    CATEGORIES,
    JSON_NAMES,
    THE_ACCOUNT,
    Alert,
    Caps,
    Category,
    Standing,
    described,
)
from undercroft.store.identity.audit import OPERATOR_COMMAND, changes_of
from undercroft.store.identity.audit_words import of_caps

NONE = "none"
UNITS: dict[Category, str] = {
    "storage": "bytes",
    "files": "files",
    "download": "bytes a day",
    "class_b": "transactions a day",
    "class_c": "transactions a day",
    "requests": "requests a day",
    "upload": "bytes a day",
}


def cap_of(text: str) -> int | None:
    """A cap as given on the command line."""
    if text.lower() == NONE:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(limits.CAP_MAX)):
        raise typer.BadParameter(f"a whole number, or '{NONE}'")
    return int(text)


def cap_option(what: str) -> typer.models.OptionInfo:
    """An option that sets a cap, or lifts it."""
    option: typer.models.OptionInfo = typer.Option(metavar="N|none", help=what, show_default=False)
    return option


@on_data
def caps(
    settings: Settings,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or e-mail address.")],
    storage: Annotated[str | None, cap_option("How many bytes the account may hold.")] = None,
    files: Annotated[str | None, cap_option("How many files its buckets may show.")] = None,
    download: Annotated[str | None, cap_option("How many bytes may be downloaded from it a day.")] = None,
    class_b: Annotated[str | None, cap_option("How many transactions of class B it may make a day.")] = None,
    class_c: Annotated[str | None, cap_option("How many transactions of class C it may make a day.")] = None,
    json: JSON = False,
) -> None:
    """Show an account's caps and how much of them it uses. With options, set those; 'none' lifts one.

    A day begins at 00:00 UTC. Caps on storage and files hold at once, the others within seconds.
    """
    given: dict[Category, str | None] = {
        "storage": storage,
        "files": files,
        "download": download,
        "class_b": class_b,
        "class_c": class_c,
    }
    asked = {category: cap_of(text) for category, text in given.items() if text is not None}

    async def work(store: Store) -> tuple[str, Caps, list[Standing]]:
        known = await store.identity.accounts.find(account)
        account_id = known.account_id
        if asked:
            before = await store.accounting.caps.of_operator(account_id)
            await store.accounting.caps.change(account_id, asked)
            changes = changes_of(of_caps(before), of_caps(await store.accounting.caps.of_operator(account_id)))
            await store.audit.record(account_id, OPERATOR_COMMAND, "Set caps", target=known.email, changes=changes)
        of_account = await store.accounting.caps.of(account_id)
        return account_id, of_account, await store.accounting.caps.standing(account_id)

    account_id, found, standing = with_store(settings, work)
    used = {one.category: one.used for one in standing}
    if json:
        print_json(
            {
                "accountId": account_id,
                "caps": {JSON_NAMES[category]: getattr(found, category) for category in CATEGORIES},
                "used": {JSON_NAMES[category]: used.get(category) for category in CATEGORIES},
            }
        )
    else:
        rows = [
            {
                "category": category.replace("_", " "),
                "cap": getattr(found, category),
                "used": used.get(category),
                "percent": part_of(used.get(category), getattr(found, category)),
                "unit": UNITS[category],
            }
            for category in CATEGORIES
        ]
        print_table(rows, "")


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
                }
                for alert in found
            ],
            "There is no alert.",
        )


def part_of(used: int | None, cap: int | None) -> str | None:
    """How much of a cap is used, in percent; None without one."""
    if used is None or cap is None:
        return None
    return f"{used * 100 // cap} %" if cap else "100 %"
