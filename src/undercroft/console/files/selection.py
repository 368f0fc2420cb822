"""What is done to the rows that somebody ticked off: deleting, hiding, and legal holds.

The table is one form. A button sends it; what removes something answers with what it comes to, and asks again.
"""

from __future__ import annotations

from starlette.responses import Response

from undercroft import limits
from undercroft.console.files.browse import in_folder
from undercroft.console.files.places import files_path, go_to, label_of, way_back
from undercroft.console.visit import Visit
from undercroft.store.errors import NoSuchVersion
from undercroft.store.files.contents import Contents
from undercroft.store.files.selections import Outcome
from undercroft.store.model import Bucket, FileVersion

NAME, VERSION = "name:", "version:"


def names_of(visit: Visit) -> list[str]:
    """The files and folders that are ticked off, each once, in their order."""
    chosen = dict.fromkeys(one.removeprefix(NAME) for one in visit.fields("choose") if one.startswith(NAME))
    return [name for name in chosen if name]


async def versions_asked(visit: Visit, bucket: Bucket) -> list[FileVersion]:
    """The single versions that are ticked off, but for those of files that are ticked off as a whole."""
    names = set(names_of(visit))
    found = []
    for file_id in dict.fromkeys(
        one.removeprefix(VERSION) for one in visit.fields("choose") if one.startswith(VERSION)
    ):
        try:
            version = await visit.store.files.version(visit.principal, file_id, bucket=bucket)
        except NoSuchVersion:  # It is gone, which is what was wanted.
            continue
        if version.name not in names:
            found.append(version)
    return found


async def confirm_delete(visit: Visit) -> Response:
    """Say what deleting the selection comes to, and ask."""
    bucket = await visit.bucket()
    names, versions = names_of(visit), await versions_asked(visit, bucket)
    contents = await visit.store.files.contents_of_selection(
        visit.principal, bucket, names, steps=limits.FOLDER_SIZE_STEPS
    )
    return _deletion(visit, bucket, names, versions, contents)


async def delete(visit: Visit) -> Response:
    """Delete the selection, or hide it."""
    bucket = await visit.bucket()
    names, versions = names_of(visit), await versions_asked(visit, bucket)
    how = visit.field("how", "all")
    note(visit, bucket, names, versions)
    files, bypass, hiding_id = visit.store.files, visit.field("bypass") == "on", None
    if how == "hide":
        outcome, hiding_id = await files.hide_selected(visit.principal, bucket, names)
    elif how == "newest":
        outcome = await files.delete_newest_of_selected(visit.principal, bucket, names, bypass_governance=bypass)
    else:
        outcome = await files.delete_selected(visit.principal, bucket, names, bypass_governance=bypass)
    outcome.locked += await _delete_versions(visit, bucket, versions, bypass=bypass)
    return _after_deletion(visit, bucket, how, outcome, hiding_id)


async def _delete_versions(visit: Visit, bucket: Bucket, versions: list[FileVersion], *, bypass: bool) -> int:
    """Remove single versions; how many a lock kept."""
    outcome = await visit.store.files.delete_these(visit.principal, bucket, versions, bypass_governance=bypass)
    return outcome.locked


def _deletion(
    visit: Visit, bucket: Bucket, names: list[str], versions: list[FileVersion], contents: Contents
) -> Response:
    prefix = visit.field("prefix")
    return visit.render(
        "files/delete.html",
        **in_folder(bucket, prefix),
        names=names,
        labels=[label_of(name, prefix) + ("/" if name.endswith("/") else "") for name in names],
        versions=versions,
        contents=contents,
        has_folders=any(name.endswith("/") for name in names),
        is_too_much=contents.following is not None or contents.versions > limits.SELECTION_MAX,
        back=way_back(visit, files_path(bucket, prefix)),
    )


def _after_deletion(visit: Visit, bucket: Bucket, how: str, outcome: Outcome, hiding_id: str | None) -> Response:
    if outcome.has_more:
        notice = "selection-has-more"
    elif outcome.locked:
        notice = "selection-locked"
    else:
        notice = "selection-hidden" if how == "hide" else "selection-deleted"
    return go_to(way_back(visit, files_path(bucket, visit.field("prefix"))), notice, undo_all=hiding_id or "")


def note(visit: Visit, bucket: Bucket, names: list[str], versions: list[FileVersion]) -> None:
    """Have the audit log say what the selection was."""
    chosen = [*names, *(f"{version.name} ({version.file_id})" for version in versions)]
    more = f" and {len(chosen) - limits.SELECTION_NOTED} more" if len(chosen) > limits.SELECTION_NOTED else ""
    visit.audit(target=bucket.name, files=", ".join(chosen[: limits.SELECTION_NOTED]) + more)


async def hold(visit: Visit) -> Response:
    """Put a legal hold on the files of the selection, or take it off."""
    bucket = await visit.bucket()
    on = visit.field("hold") == "on"
    note(visit, bucket, names_of(visit), [])
    await visit.store.files.hold_selected(visit.principal, bucket, names_of(visit), on=on)
    return go_to(way_back(visit, files_path(bucket, visit.field("prefix"))), "holds-on" if on else "holds-off")


async def unhide(visit: Visit) -> Response:
    """Let the hidden files of the selection be visible again."""
    bucket = await visit.bucket()
    note(visit, bucket, names_of(visit), [])
    await visit.store.files.unhide_selected(visit.principal, bucket, names_of(visit))
    return go_to(way_back(visit, files_path(bucket, visit.field("prefix"))), "selection-unhidden")


async def undo_hiding(visit: Visit) -> Response:
    """Let what a selection hid be visible again, and nothing else."""
    bucket = await visit.bucket()
    visit.audit(target=bucket.name)
    await visit.store.files.undo_hiding(visit.principal, bucket, visit.field("hiding"))
    return go_to(way_back(visit, files_path(bucket)), "selection-unhidden")
