"""`undercroft lifecycle`: a bucket's lifecycle rules carried out now, or what that would do."""

from __future__ import annotations

from typing import Annotated

import typer

from undercroft import limits
from undercroft.cli.on_data import on_data
from undercroft.cli.options import JSON
from undercroft.cli.output import day_and_time, print_fields, print_json, print_table
from undercroft.cli.session import with_store
from undercroft.settings import Settings
from undercroft.store import Store
from undercroft.store.model import Bucket, FileVersion
from undercroft.store.work.expiry import Deed
from undercroft.store.work.lifecycle import Tally


@on_data
def lifecycle(
    settings: Settings,
    bucket: Annotated[str, typer.Argument(metavar="BUCKET", help="The bucket's name.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what a run would do now.")] = False,
    json: JSON = False,
) -> None:
    """Carry out a bucket's lifecycle rules now, whatever the schedule of the server."""
    shown: list[tuple[Deed, FileVersion]] = []

    def see(deed: Deed, version: FileVersion) -> None:
        if len(shown) < limits.LIFECYCLE_SHOWN_MAX:
            shown.append((deed, version))

    async def work(store: Store) -> tuple[Bucket, Tally]:
        found = await store.buckets.find(name=bucket)
        return found, await store.work.lifecycle.apply(found, dry_run=dry_run, seen=see)

    found, tally = with_store(settings, work)
    if json:
        print_json(_describe(found, tally, shown, dry_run=dry_run))
        return
    print_table(
        [
            {
                "change": deed.value,
                "name": version.name,
                "uploaded": day_and_time(version.uploaded_ms),
                "bytes": version.size,
                "file id": str(version.file_id),
            }
            for deed, version in shown
        ],
        "Nothing is due.",
    )
    would = "Would be " if dry_run else ""
    print_fields(
        {
            "Looked at": tally.looked_at,
            f"{would}hidden".capitalize(): tally.hidden,
            f"{would}deleted".capitalize(): f"{tally.deleted} ({tally.deleted_bytes} bytes)",
            f"{would}deleted hide markers".capitalize(): tally.hide_markers_deleted,
            f"{would}canceled".capitalize(): tally.canceled,
            "Locked": tally.locked,
        }
    )


def _describe(
    bucket: Bucket, tally: Tally, shown: list[tuple[Deed, FileVersion]], *, dry_run: bool
) -> dict[str, object]:
    return {
        "bucketName": bucket.name,
        "bucketId": bucket.bucket_id,
        "dryRun": dry_run,
        "lookedAt": tally.looked_at,
        "hidden": tally.hidden,
        "deleted": tally.deleted,
        "deletedBytes": tally.deleted_bytes,
        "hideMarkersDeleted": tally.hide_markers_deleted,
        "canceled": tally.canceled,
        "locked": tally.locked,
        "versions": [
            {
                "change": deed.value,
                "fileName": version.name,
                "fileId": str(version.file_id),
                "uploadTimestamp": version.uploaded_ms,
                "size": version.size,
            }
            for deed, version in shown
        ],
        "versionsComplete": tally.hidden + tally.deleted + tally.hide_markers_deleted + tally.canceled == len(shown),
    }
