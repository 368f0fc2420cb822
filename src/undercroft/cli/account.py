"""`undercroft account …`: the operator's work on accounts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON, PasswordStdin
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import api_url, read_password, region, with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.identity.accounts import NewAccount
from undercroft.store.identity.audit import OPERATOR_COMMAND
from undercroft.store.model import Account

app = typer.Typer(help="Accounts.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or e-mail address.")]


def _describe(account: Account) -> dict[str, object]:
    return {
        "accountId": account.account_id,
        "email": account.email,
        "name": account.name,
        "suspended": account.suspended,
        "operator": account.is_operator,
        "createdTimestamp": account.created_ms,
        "trialEndTimestamp": account.trial_ends_ms,
    }


def _changed(settings: Settings, action: str, work: Callable[[Store], Awaitable[Account]]) -> Account:
    """Do what an operator asks of an account, and write it down in the account's audit log."""

    async def audited(store: Store) -> Account:
        account = await work(store)
        await store.audit.record(account.account_id, OPERATOR_COMMAND, action, target=account.email)
        return account

    return with_store(settings, audited)


def _show(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(_describe(account))
    else:
        print_fields(
            {
                "Account": account.account_id,
                "E-mail": account.email,
                "Name": account.name or None,
                "Suspended": account.suspended,
                "Operator": account.is_operator,
                "Created": day_and_time(account.created_ms),
                "Trial ends": day_and_time(account.trial_ends_ms),
            }
        )


@app.command()
@on_data
def create(
    settings: Settings,
    email: Annotated[str, typer.Option(help="The e-mail address to sign in with.")],
    password_stdin: PasswordStdin = False,
    json: JSON = False,
) -> None:
    """Make an account, its master key and a first application key with every capability. Prints the secrets, once."""
    password = read_password(password_stdin)

    async def work(store: Store) -> NewAccount:
        made = await store.identity.accounts.create(email, password)
        await store.audit.record(made.account.account_id, OPERATOR_COMMAND, "Create account", target=made.account.email)
        return made

    made = with_store(settings, work)
    origin = api_url(settings)
    if json:
        print_json(
            {
                "accountId": made.account.account_id,
                "email": made.account.email,
                "masterApplicationKey": made.master_key.secret,
                "keyId": made.key.key_id,
                "applicationKey": made.key.secret,
                "s3Endpoint": settings.s3_endpoint(origin),
                "apiUrl": origin,
                "region": region(settings),
            }
        )
    else:
        print_fields(
            {
                "Account": made.account.account_id,
                "E-mail": made.account.email,
                "Master application key": made.master_key.secret,
                "Key id": made.key.key_id,
                "Application key": made.key.secret,
                "Endpoint": settings.s3_endpoint(origin),
            }
        )


@app.command("list")
@on_data
def list_(
    settings: Settings,
    json: JSON = False,
) -> None:
    """List the accounts, oldest first."""
    accounts = with_store(settings, lambda store: store.identity.accounts.list())
    if json:
        print_json({"accounts": [_describe(account) for account in accounts]})
    else:
        print_table(
            [
                {
                    "account": account.account_id,
                    "e-mail": account.email,
                    "suspended": account.suspended,
                    "operator": account.is_operator,
                    "created": day_and_time(account.created_ms),
                    "trial ends": day_and_time(account.trial_ends_ms),
                }
                for account in accounts
            ],
            "There is no account yet.",
        )


@app.command()
@on_data
def show(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Show an account."""
    _show(with_store(settings, lambda store: store.identity.accounts.find(account)), json)


@app.command()
@on_data
def suspend(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Suspend an account: its keys and tokens stop working at once."""
    changed = _changed(
        settings, "Suspend account", lambda store: store.identity.accounts.set_suspended(account, suspended=True)
    )
    _show(changed, json)


@app.command()
@on_data
def resume(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Let a suspended account work again."""
    changed = _changed(
        settings, "Resume account", lambda store: store.identity.accounts.set_suspended(account, suspended=False)
    )
    _show(changed, json)


@app.command("lift-trial")
@on_data
def lift_trial(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Let a trial account go on without an end; one that has ended works again. Its cap on storage stays."""
    _show(_changed(settings, "Lift trial", lambda store: store.identity.trials.lift(account)), json)


@app.command("grant-operator")
@on_data
def grant_operator(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Give an account the operator's section of the console: others' accounts, their caps, and invitations."""
    changed = _changed(
        settings, "Grant operator", lambda store: store.identity.accounts.set_operator(account, is_operator=True)
    )
    _show(changed, json)


@app.command("revoke-operator")
@on_data
def revoke_operator(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Take the operator's section of the console from an account."""
    changed = _changed(
        settings, "Revoke operator", lambda store: store.identity.accounts.set_operator(account, is_operator=False)
    )
    _show(changed, json)


@app.command("reset-second-factor")
@on_data
def reset_second_factor(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Let an account sign in without a code again, for somebody who has lost the app and the recovery codes."""

    async def work(store: Store) -> Account:
        found = await store.identity.accounts.find(account)
        await store.identity.second_factors.reset(found.account_id)
        return found

    _show(_changed(settings, "Reset second factor", work), json)


@app.command()
@on_data
def delete(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Delete an account that has no buckets, with its keys."""
    deleted = _changed(settings, "Delete account", lambda store: store.identity.accounts.delete(account))
    _show(deleted, json)


@app.command("reset-password")
@on_data
def reset_password(
    settings: Settings,
    account: Which,
    password_stdin: PasswordStdin = False,
    json: JSON = False,
) -> None:
    """Give an account another password. Its sessions in the console end."""
    password = read_password(password_stdin)

    async def work(store: Store) -> Account:
        return await store.identity.accounts.reset_password(account, password)

    _show(_changed(settings, "Reset password", work), json)
