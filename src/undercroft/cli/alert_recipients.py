"""`undercroft account alert-recipients`: who is told of an account's alerts."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import print_fields, print_json
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.alert_settings import Recipients
from undercroft.store.accounting.alert_words import of_alerts
from undercroft.store.identity.accounts import checked_email
from undercroft.store.identity.audit import OPERATOR_COMMAND, changes_of
from undercroft.store.model import Account


@on_data
def alert_recipients(
    settings: Settings,
    account: Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or e-mail address.")],
    owner: Annotated[
        bool | None, typer.Option("--owner/--no-owner", help="Whether the account's own address is told.")
    ] = None,
    add: Annotated[
        list[str] | None, typer.Option(metavar="EMAIL", help="A further address: you vouch for its reader. Repeatable.")
    ] = None,
    remove: Annotated[
        list[str] | None, typer.Option(metavar="EMAIL", help="An address that is to be told no more. Repeatable.")
    ] = None,
    no_webhook: Annotated[
        bool, typer.Option("--no-webhook", help="Have the account's webhook told no more. It is set in the console.")
    ] = False,
    json: JSON = False,
) -> None:
    """Show who is told of an account's alerts. With options, change that.

    An address that is added here is told at once; one that the account's owner adds in the console is asked first.
    """

    async def work(store: Store) -> tuple[Account, Recipients]:
        known = await store.identity.accounts.find(account)
        of_accounts = store.accounting.alert_settings
        before = await of_accounts.of(known.account_id)
        added, gone = ({checked_email(one) for one in given or ()} for given in (add, remove))
        kept = [one for one in dict.fromkeys((*before.settings.addresses, *sorted(added))) if one not in gone]
        wanted = msgspec.structs.replace(
            before.settings,
            tells_owner=before.settings.tells_owner if owner is None else owner,
            addresses=tuple(kept),
            confirmed=(*before.settings.confirmed, *added),
        )
        if owner is None and not (added or gone or no_webhook):
            return known, before
        after = await of_accounts.change(known.account_id, wanted, None if no_webhook else before.webhook)
        changes = changes_of(of_alerts(before), of_alerts(after))
        await store.audit.record(
            known.account_id, OPERATOR_COMMAND, "Change alerts", target=known.email, changes=changes
        )
        return known, after

    known, (found, target) = with_store(settings, work)
    told = {one: "told" if one in found.confirmed else "waits for confirmation" for one in found.addresses}
    if json:
        print_json(
            {
                "accountId": known.account_id,
                "email": known.email,
                "tellsOwner": found.tells_owner,
                "addresses": [{"email": one, "confirmed": one in found.confirmed} for one in found.addresses],
                "hasWebhook": target is not None,
            }
        )
    else:
        print_fields(
            {
                known.email: "told" if found.tells_owner else "not told",
                **told,
                "Webhook": "set" if target is not None else None,
            }
        )
