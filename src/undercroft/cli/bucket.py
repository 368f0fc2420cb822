"""`undercroft bucket caps`: what a bucket may hold, and what it does."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft.cli.caps import cap_of, cap_option, part_of
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import print_json, print_table
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import Held
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.identity.audit import OPERATOR_COMMAND, changes_of
from undercroft.store.model import Bucket, BucketCaps

app = typer.Typer(help="Buckets.", no_args_is_help=True, rich_markup_mode=None)


@app.callback()
def buckets() -> None:
    """Buckets."""


@app.command()
@on_data
def caps(
    settings: Settings,
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="The bucket's name.")],
    size: Annotated[str | None, cap_option("How many bytes the bucket may hold, all versions and parts.")] = None,
    files: Annotated[str | None, cap_option("How many files the bucket may show.")] = None,
    json: JSON = False,
) -> None:
    """Show a bucket's caps and how much of them it uses. With options, set those; 'none' lifts one. They hold at once."""

    async def work(store: Store) -> tuple[Bucket, Held]:
        found = await store.buckets.find(name=bucket)
        account = await store.identity.accounts.find(found.account_id)
        principal = await store.identity.accounts.operator(found.account_id)
        if size is not None or files is not None:
            before = found.caps or BucketCaps()
            asked = BucketCaps(
                before.size_bytes if size is None else cap_of(size), before.files if files is None else cap_of(files)
            )
            changed = await store.buckets.set_caps(principal, found.bucket_id, asked)
            changes = changes_of(of_bucket(found), of_bucket(changed))
            await store.audit.record(
                account.account_id, OPERATOR_COMMAND, "Set caps of bucket", target=found.name, changes=changes
            )
            found = changed
        return found, (await store.buckets.usage(principal)).get(found.bucket_id, Held())

    found, held = with_store(settings, work)
    bounds = found.caps or BucketCaps()
    if json:
        print_json(
            {
                "bucketId": found.bucket_id,
                "bucketName": found.name,
                "caps": {"size": bounds.size_bytes, "files": bounds.files},
                "used": {"size": held.size_bytes, "files": held.files},
            }
        )
        return
    print_table(
        [
            {"category": category, "cap": cap, "used": used, "percent": part_of(used, cap), "unit": unit}
            for category, cap, used, unit in (
                ("size", bounds.size_bytes, held.size_bytes, "bytes"),
                ("files", bounds.files, held.files, "files"),
            )
        ],
        "",
    )
