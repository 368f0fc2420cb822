"""`undercroft key …`: the operator's work on application keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

import msgspec
import typer

from undercroft import limits
from undercroft.cli.cap_options import cap_option
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.quotas import as_rows, asked_quotas, asked_soft, in_json, of_the_day, soft_option, with_asked
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import Done, Quotas, SoftLimits
from undercroft.store.identity.audit import OPERATOR_COMMAND, changes_of
from undercroft.store.identity.audit_words import of_key, of_quotas, of_soft_limits
from undercroft.store.model import ApplicationKey, KeyUse
from undercroft.store.operations import ALL_CAPABILITIES, BUCKET_CAPABILITIES

app = typer.Typer(help="Application keys.", no_args_is_help=True)

Which = Annotated[str, typer.Option("--account", metavar="ACCOUNT", help="The account's id or e-mail address.")]


def _describe(key: ApplicationKey) -> dict[str, object]:
    return {
        "keyId": key.key_id,
        "keyName": key.name,
        "accountId": key.account_id,
        "capabilities": [capability for capability in ALL_CAPABILITIES if capability in key.capabilities],
        "bucketIds": None if key.bucket_ids is None else list(key.bucket_ids),
        "namePrefix": key.name_prefix,
        "expirationTimestamp": key.expires_ms,
    }


def _describe_use(use: KeyUse | None) -> dict[str, object] | None:
    return None if use is None else {"timestamp": use.at_ms, "address": use.address, "api": use.face, "call": use.call}


@app.command()
@on_data
def create(
    settings: Settings,
    account: Which,
    name: Annotated[str, typer.Option(help="What to call the key: letters, digits and hyphens.")],
    capability: Annotated[
        list[str] | None,
        typer.Option(metavar="CAPABILITY", help="May be given several times. [default: all that such a key may have]"),
    ] = None,
    bucket: Annotated[
        list[str] | None,
        typer.Option(metavar="BUCKET", help="Restrict the key to this bucket. May be given several times."),
    ] = None,
    prefix: Annotated[str | None, typer.Option(help="Restrict the key to file names that begin so.")] = None,
    valid_seconds: Annotated[
        int | None, typer.Option(min=1, max=limits.KEY_VALID_MAX_S, help="Let the key expire after this long.")
    ] = None,
    json: JSON = False,
) -> None:
    """Make an application key. Prints its secret, once."""

    async def work(store: Store) -> ApplicationKey:
        operator = await store.identity.accounts.operator(account)
        bucket_ids = None
        if bucket:
            bucket_ids = [(await store.buckets.find(name=each)).bucket_id for each in bucket]
        every = [each for each in ALL_CAPABILITIES if bucket_ids is None or each in BUCKET_CAPABILITIES]
        key = await store.identity.keys.create(
            operator, name, capability or every, bucket_ids=bucket_ids, name_prefix=prefix, valid_s=valid_seconds
        )
        await _write_down(store, "Create key", key, {}, of_key(key, {}))
        return key

    _print_new(with_store(settings, work), json)


async def _write_down(
    store: Store, action: str, key: ApplicationKey, before: Mapping[str, str], after: Mapping[str, str], **details: str
) -> None:
    """Put what an operator did with a key into the account's audit log."""
    await store.audit.record(
        key.account_id,
        OPERATOR_COMMAND,
        action,
        target=f"{key.name} ({key.key_id})",
        details=details,
        changes=changes_of(before, after),
    )


def _print_new(key: ApplicationKey, json: bool) -> None:
    """Print a key with its secret, which nobody is shown again."""
    if json:
        print_json({**_describe(key), "applicationKey": key.secret})
    else:
        print_fields({"Key id": key.key_id, "Application key": key.secret, "Name": key.name})


@app.command()
@on_data
def rotate(
    settings: Settings,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")],
    account: Which,
    retire_after: Annotated[
        int | None,
        typer.Option(
            metavar="SECONDS",
            min=1,
            max=limits.KEY_VALID_MAX_S,
            help="Let the old key expire after this long. [default: it stays until it is deleted]",
        ),
    ] = None,
    json: JSON = False,
) -> None:
    """Make a key with the rights of another one, to take its place. Prints its secret, once."""

    async def work(store: Store) -> ApplicationKey:
        operator = await store.identity.accounts.operator(account)
        key = await store.identity.keys.rotate(operator, key_id, retire_after_s=retire_after)
        retired = "never" if retire_after is None else f"after {retire_after:,} seconds"
        await _write_down(store, "Rotate key", key, {"key ID": key_id}, {"key ID": key.key_id}, retired=retired)
        return key

    _print_new(with_store(settings, work), json)


@app.command("regenerate-master")
@on_data
def regenerate_master(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """Generate an account's master key anew: the old one and its tokens stop working at once. Prints it, once."""

    async def work(store: Store) -> ApplicationKey:
        operator = await store.identity.accounts.operator(account)
        key = await store.identity.keys.regenerate_master(operator)
        await _write_down(store, "Regenerate master key", key, {}, {})
        return key

    _print_new(with_store(settings, work), json)


@app.command("list")
@on_data
def list_(
    settings: Settings,
    account: Which,
    json: JSON = False,
) -> None:
    """List an account's application keys, without their secrets, and when each was last used."""

    async def work(store: Store) -> tuple[list[ApplicationKey], dict[str, KeyUse]]:
        operator = await store.identity.accounts.operator(account)
        found: list[ApplicationKey] = []
        uses: dict[str, KeyUse] = {}
        following: str | None = ""
        while following is not None:
            page, following = await store.identity.keys.list(
                operator, start_key_id=following or None, limit=limits.NATIVE_LIST_MAX
            )
            found += page
            uses |= await store.identity.keys.last_uses(operator, page)
        return found, uses

    keys, uses = with_store(settings, work)
    if json:
        print_json({"keys": [{**_describe(key), "lastUse": _describe_use(uses.get(key.key_id))} for key in keys]})
    else:
        print_table(
            [
                {
                    "key": key.key_id,
                    "name": key.name,
                    "buckets": "all" if key.bucket_ids is None else list(key.bucket_ids),
                    "prefix": key.name_prefix,
                    "expires": day_and_time(key.expires_ms),
                    "last used": day_and_time(uses[key.key_id].at_ms) if key.key_id in uses else None,
                }
                for key in keys
            ],
            "The account has no application key.",
        )


@app.command()
@on_data
def caps(
    settings: Settings,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")],
    account: Which,
    requests: Annotated[str | None, cap_option("How many requests it may make a day, of every class.")] = None,
    download: Annotated[str | None, cap_option("How many bytes it may download a day.")] = None,
    upload: Annotated[str | None, cap_option("How many bytes it may upload a day.")] = None,
    soft: Annotated[list[str] | None, soft_option("key")] = None,
    json: JSON = False,
) -> None:
    """Show a key's caps and how much of them it uses. With options, set those; 'none' lifts one.

    They hold within seconds. A day begins at 00:00 UTC.
    """
    by_day, wanted_soft = asked_quotas(requests=requests, download=download, upload=upload), asked_soft("key", soft)

    async def work(store: Store) -> tuple[ApplicationKey, Quotas, SoftLimits, Done]:
        operator = await store.identity.accounts.operator(account)
        key = await store.identity.keys.find(operator, key_id)
        quotas = await store.accounting.quotas.of_key(key_id)
        of_soft = await store.accounting.quotas.soft_of("key", key_id)
        if by_day or wanted_soft:
            before = of_quotas(quotas) | of_soft_limits(of_soft)
            quotas, of_soft = msgspec.structs.replace(quotas, **by_day), with_asked(of_soft, wanted_soft)
            await store.accounting.quotas.change_key(operator, key_id, quotas, of_soft)
            await _write_down(store, "Set caps of key", key, before, of_quotas(quotas) | of_soft_limits(of_soft))
        return key, quotas, of_soft, await store.accounting.quotas.done_today("key", key.account_id, key_id)

    key, quotas, of_soft, done = with_store(settings, work)
    caps_and_used = of_the_day(quotas, of_soft, done)
    if json:
        print_json({"keyId": key.key_id, "keyName": key.name, **in_json(caps_and_used, "key")})
    else:
        print_table(as_rows(caps_and_used, "key"), "")


@app.command()
@on_data
def delete(
    settings: Settings,
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="The key's id.")],
    account: Which,
    json: JSON = False,
) -> None:
    """Delete an application key: it and its tokens stop working at once."""

    async def work(store: Store) -> ApplicationKey:
        operator = await store.identity.accounts.operator(account)
        key = await store.identity.keys.delete(operator, key_id)
        await _write_down(store, "Delete key", key, of_key(key, {}), {})
        return key

    key = with_store(settings, work)
    if json:
        print_json(_describe(key))
    else:
        print(f"Deleted application key {key.key_id}.")
