"""`undercroft replication target …`: buckets of other installations that rules may name as their destination."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from undercroft import limits
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import print_fields, print_json, print_table
from undercroft.cli.session import fail, with_store
from undercroft.serve.exits import USAGE
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.buckets.replication_targets import Target

app = typer.Typer(help="Buckets of other installations, or of B2, that files are replicated to.", no_args_is_help=True)

Which = Annotated[str, typer.Option("--account", metavar="ACCOUNT", help="The account's id or e-mail address.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="What the target is called.")]


def _describe(target: Target) -> dict[str, object]:
    return {
        "destinationBucketId": target.target_id,
        "name": target.name,
        "accountId": target.account_id,
        "endpoint": target.endpoint,
        "keyId": target.key_id,
        "bucketName": target.bucket_name,
    }


def _read_key() -> str:
    """The key: the first line of standard input."""
    raw = sys.stdin.buffer.readline(limits.PASSWORD_INPUT_MAX_BYTES + 1)
    if len(raw) > limits.PASSWORD_INPUT_MAX_BYTES or not raw.isascii():
        fail("the key on standard input is none", USAGE)
    return raw.decode("ascii").strip()


@app.command()
@on_data
def add(
    settings: Settings,
    name: Name,
    account: Which,
    endpoint: Annotated[str, typer.Option(metavar="URL", help="Such as https://api.backblazeb2.com.")],
    key_id: Annotated[str, typer.Option(metavar="ID", help="The application key of the other side.")],
    bucket: Annotated[str, typer.Option(metavar="BUCKET", help="The name of the bucket there.")],
    key_stdin: Annotated[
        bool, typer.Option("--key-stdin", help="Read the key from the first line of standard input.")
    ] = False,
    json: JSON = False,
) -> None:
    """Make a target. Prints the id that rules name as their destination bucket."""
    if not key_stdin:
        fail("give --key-stdin, and the key on standard input", USAGE)
    key = _read_key()

    async def work(store: Store) -> Target:
        found = await store.identity.accounts.find(account)
        return await store.replication_targets.add(
            found, name, endpoint=endpoint, key_id=key_id, key=key, bucket_name=bucket
        )

    _show(_describe(with_store(settings, work)), json=json)


@app.command("list")
@on_data
def list_(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """List the account's targets."""

    async def work(store: Store) -> list[Target]:
        return await store.replication_targets.list(await store.identity.accounts.find(account))

    described = [_describe(target) for target in with_store(settings, work)]
    if json:
        print_json({"targets": described})
        return
    print_table(described, "There are no targets.")


@app.command()
@on_data
def remove(
    settings: Settings,
    name: Name,
    account: Which,
    json: JSON = False,
) -> None:
    """Forget a target and its key. What still waits for it fails."""

    async def work(store: Store) -> Target:
        return await store.replication_targets.remove(await store.identity.accounts.find(account), name)

    _show(_describe(with_store(settings, work)), json=json)


def _show(described: dict[str, object], *, json: bool) -> None:
    if json:
        print_json(described)
        return
    print_fields(described)
