"""`undercroft account …`: the operator's work on accounts."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON, PasswordStdin
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import api_url, read_password, with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.model import Account

app = typer.Typer(help="Accounts.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="ACCOUNT", help="The account's id or e-mail address.")]


def _describe(account: Account) -> dict[str, object]:
    return {
        "accountId": account.account_id,
        "email": account.email,
        "suspended": account.suspended,
        "createdTimestamp": account.created_ms,
    }


def _show(account: Account, as_json: bool) -> None:
    if as_json:
        print_json(_describe(account))
    else:
        print_fields(
            {
                "Account": account.account_id,
                "E-mail": account.email,
                "Suspended": account.suspended,
                "Created": day_and_time(account.created_ms),
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
    made = with_store(settings, lambda store: store.identity.accounts.create(email, password))
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
                "region": settings.region,
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
                    "created": day_and_time(account.created_ms),
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
    _show(with_store(settings, lambda store: store.identity.accounts.set_suspended(account, suspended=True)), json)


@app.command()
@on_data
def resume(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Let a suspended account work again."""
    _show(with_store(settings, lambda store: store.identity.accounts.set_suspended(account, suspended=False)), json)


@app.command()
@on_data
def delete(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Delete an account that has no buckets, with its keys."""
    _show(with_store(settings, lambda store: store.identity.accounts.delete(account)), json)


@app.command("reset-password")
@on_data
def reset_password(
    settings: Settings,
    account: Which,
    password_stdin: PasswordStdin = False,
    json: JSON = False,
) -> None:
    """Give an account another password."""
    password = read_password(password_stdin)

    async def work(store: Store) -> Account:
        return await store.identity.accounts.reset_password(account, password)

    _show(with_store(settings, work), json)
