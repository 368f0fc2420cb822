"""Lifecycle rules for tests: short ways to set and to carry them out, and what they mean, in a few plain lines."""

from __future__ import annotations

from typing import Any

from harness.stores import Bench
from undercroft.store.model import Action, FileVersion
from undercroft.store.work.lifecycle import DAILY, Tally

DAY_MS = 86_400_000
Seen = list[tuple[str, str, str]]  # Deed, name, file id.


async def set_rules(bench: Bench, *rules: dict[str, Any]) -> None:
    """Give the bench's bucket these rules, each of which may leave the prefix out."""
    documents = [{"fileNamePrefix": "", **rule} for rule in rules]
    bench.bucket = await bench.store.buckets.update(bench.principal, bench.bucket.bucket_id, lifecycle_rules=documents)


def days(
    hide: int | None = None, delete: int | None = None, cancel: int | None = None, prefix: str = ""
) -> dict[str, Any]:
    """A rule as clients write it."""
    return {
        "fileNamePrefix": prefix,
        "daysFromUploadingToHiding": hide,
        "daysFromHidingToDeleting": delete,
        "daysFromStartingToCancelingUnfinishedLargeFiles": cancel,
    }


async def apply(bench: Bench, *, dry_run: bool = False) -> tuple[Tally, Seen]:
    """Carry out the rules of the bench's bucket; what was done, in order."""
    seen: Seen = []
    tally = await bench.store.work.lifecycle.apply(
        bench.bucket,
        dry_run=dry_run,
        seen=lambda deed, version: seen.append((deed.value, version.name, str(version.file_id))),
    )
    return tally, seen


async def run_to_end(bench: Bench) -> int:
    """Take turns of the steward's run until it says that nothing is left; how many it took."""
    turns = 1
    while await bench.store.work.lifecycle.run(DAILY):
        turns += 1
    return turns


async def versions_of(bench: Bench) -> list[FileVersion]:
    """All versions of the bench's bucket, in the order of lists."""
    page = await bench.store.files.list_versions(bench.principal, bench.bucket, limit=10_000)
    assert not page.more
    return [row for row in page.rows if isinstance(row, FileVersion)]


def picture(listed: list[FileVersion]) -> list[tuple[str, str, str]]:
    """Name, action and file id of each version; a hide marker's id is left out, since a run may have made it."""
    return [(one.name, one.action.name, "" if one.action is Action.HIDE else str(one.file_id)) for one in listed]


def expected_picture(listed: list[FileVersion], rules: list[dict[str, Any]], now_ms: int) -> list[tuple[str, str, str]]:
    """What `picture` must show once the rules were carried out at `now_ms` on what was listed."""
    left: list[tuple[str, str, str]] = []
    for name in dict.fromkeys(one.name for one in listed):
        of_name = [one for one in listed if one.name == name]
        matching = [rule for rule in rules if name.startswith(rule["fileNamePrefix"])]
        left += _left_of_name(of_name, matching[0], now_ms) if matching else picture(of_name)
    return left


def _left_of_name(listed: list[FileVersion], rule: dict[str, Any], now_ms: int) -> list[tuple[str, str, str]]:
    hide = rule["daysFromUploadingToHiding"]
    delete = rule["daysFromHidingToDeleting"]
    cancel = rule["daysFromStartingToCancelingUnfinishedLargeFiles"]
    kept: list[FileVersion] = []
    finished: list[FileVersion] = []
    for one in listed:
        if one.action is Action.START:
            if cancel is None or one.received_ms + cancel * DAY_MS > now_ms:
                kept.append(one)
            continue
        if not finished or delete is None:
            kept.append(one)
        else:
            hidden_ms = max(one.received_ms, min(newer.received_ms for newer in finished))
            if hidden_ms + delete * DAY_MS > now_ms:
                kept.append(one)
        finished.append(one)
    if finished:
        newest = finished[0]
        clears = hide is not None or delete is not None
        if newest.action is Action.HIDE and clears and kept[-1] is newest:
            kept.remove(newest)
        if newest.action is Action.UPLOAD and hide is not None and newest.received_ms + hide * DAY_MS <= now_ms:
            shown = picture(kept)
            # The marker's time is now, or that of the newest version where that lies ahead.
            place = next(
                (at for at, one in enumerate(kept) if one.uploaded_ms <= max(now_ms, newest.uploaded_ms)), len(kept)
            )
            return [*shown[:place], (newest.name, "HIDE", ""), *shown[place:]]
    return picture(kept)
