"""`undercroft group …`: groups of accounts, which accounts administer through the Partner API."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store.identity.groups import Group

app = typer.Typer(help="Groups of accounts.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="GROUP", help="The group's id.")]


def _describe(group: Group) -> dict[str, object]:
    return {
        "groupId": group.group_id,
        "groupName": group.name,
        "adminAccountId": group.admin_account_id,
        "createdTimestamp": group.created_ms,
    }


def _show(group: Group, as_json: bool) -> None:
    if as_json:
        print_json(_describe(group))
    else:
        print_fields(
            {
                "Group": group.group_id,
                "Name": group.name,
                "Administered by": group.admin_account_id,
                "Created": day_and_time(group.created_ms),
            }
        )


@app.command()
@on_data
def create(
    settings: Settings,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call the group.")],
    admin: Annotated[
        str, typer.Option(metavar="ACCOUNT", help="The id or e-mail address of the account that administers it.")
    ],
    json: JSON = False,
) -> None:
    """Make a group."""
    _show(with_store(settings, lambda store: store.identity.groups.create(admin, name)), json)


@app.command("list")
@on_data
def list_(
    settings: Settings,
    json: JSON = False,
) -> None:
    """List the groups, oldest first."""
    found = with_store(settings, lambda store: store.identity.groups.every())
    if json:
        print_json({"groups": [{**_describe(group), "memberCount": members} for group, members in found]})
    else:
        rows = [
            {
                "group": group.group_id,
                "name": group.name,
                "administered by": group.admin_account_id,
                "members": members,
                "created": day_and_time(group.created_ms),
            }
            for group, members in found
        ]
        print_table(rows, "There is no group.")


@app.command()
@on_data
def members(
    settings: Settings,
    group: Which,
    json: JSON = False,
) -> None:
    """List the members of a group by e-mail address."""
    found = with_store(settings, lambda store: store.identity.groups.members_of(group))
    if json:
        print_json(
            {
                "groupMembers": [
                    {"accountId": one.account_id, "email": one.email, "suspended": one.suspended} for one in found
                ]
            }
        )
    else:
        rows = [{"account": one.account_id, "e-mail": one.email, "suspended": one.suspended} for one in found]
        print_table(rows, "The group has no members.")


@app.command()
@on_data
def delete(
    settings: Settings,
    group: Which,
    json: JSON = False,
) -> None:
    """Delete a group. Its members stay accounts, with all that they have."""
    _show(with_store(settings, lambda store: store.identity.groups.delete(group)), json)
