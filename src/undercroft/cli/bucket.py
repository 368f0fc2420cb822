"""`undercroft bucket caps`: what a bucket may hold, and what it does."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from undercroft.cli.cap_options import cap_of, cap_option
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import print_json, print_table
from undercroft.cli.quotas import (
    CapsAndUsed,
    as_rows,
    asked_quotas,
    asked_soft,
    in_json,
    of_the_day,
    soft_option,
    with_asked,
)
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.accounting.model import Done, Held, Quotas, SoftLimits
from undercroft.store.buckets.in_words import of_bucket
from undercroft.store.identity.audit import OPERATOR_COMMAND, changes_of
from undercroft.store.identity.audit_words import of_quotas, of_soft_limits
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
    requests: Annotated[str | None, cap_option("How many requests may be made to it a day, of every class.")] = None,
    download: Annotated[str | None, cap_option("How many bytes may be downloaded from it a day.")] = None,
    upload: Annotated[str | None, cap_option("How many bytes may be uploaded to it a day.")] = None,
    soft: Annotated[list[str] | None, soft_option("bucket")] = None,
    json: JSON = False,
) -> None:
    """Show a bucket's caps and how much of them it uses. With options, set those; 'none' lifts one.

    Caps on size and files hold at once, those by the day within seconds. A day begins at 00:00 UTC.
    """
    by_day, wanted_soft = asked_quotas(requests=requests, download=download, upload=upload), asked_soft("bucket", soft)

    async def work(store: Store) -> tuple[Bucket, Held, Quotas, SoftLimits, Done]:
        found = await store.buckets.find(name=bucket)
        account = await store.identity.accounts.find(found.account_id)
        principal = await store.identity.accounts.operator(found.account_id)
        quotas = await store.accounting.quotas.of_bucket(found.bucket_id)
        of_soft = await store.accounting.quotas.soft_of("bucket", found.bucket_id)
        if size is not None or files is not None or by_day or wanted_soft:
            before = found.caps or BucketCaps()
            asked = BucketCaps(
                before.size_bytes if size is None else cap_of(size), before.files if files is None else cap_of(files)
            )
            wanted, changed_soft = msgspec.structs.replace(quotas, **by_day), with_asked(of_soft, wanted_soft)
            changed = await store.buckets.set_caps(principal, found.bucket_id, asked, wanted, changed_soft)
            changes = changes_of(
                of_bucket(found) | of_quotas(quotas) | of_soft_limits(of_soft),
                of_bucket(changed) | of_quotas(wanted) | of_soft_limits(changed_soft),
            )
            await store.audit.record(
                account.account_id, OPERATOR_COMMAND, "Set caps of bucket", target=found.name, changes=changes
            )
            found, quotas, of_soft = changed, wanted, changed_soft
        held = (await store.buckets.usage(principal)).get(found.bucket_id, Held())
        done = await store.accounting.quotas.done_today("bucket", found.account_id, found.bucket_id)
        return found, held, quotas, of_soft, done

    found, held, quotas, of_soft, done = with_store(settings, work)
    bounds = found.caps or BucketCaps()
    caps_and_used: CapsAndUsed = {
        "storage": (bounds.size_bytes, of_soft.get("storage"), held.size_bytes),
        "files": (bounds.files, of_soft.get("files"), held.files),
        **of_the_day(quotas, of_soft, done),
    }
    if json:
        print_json({"bucketId": found.bucket_id, "bucketName": found.name, **in_json(caps_and_used, "bucket")})
    else:
        print_table(as_rows(caps_and_used, "bucket"), "")
