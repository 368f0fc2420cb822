"""Browsing files, their details, what changes them, and sharing."""

from __future__ import annotations

from undercroft.console.files import browse, changes, details, locks, new_folder, selection, shared, shares, versions
from undercroft.console.page import Page, Who, get, post

_BUCKET = "/buckets/{name}"
_FILE = "/buckets/{name}/file"
_SELECTION = "/buckets/{name}/selection"

PAGES: tuple[Page, ...] = (
    get("/files", browse.choose),
    get(f"{_BUCKET}/files", browse.folder),
    get(f"{_BUCKET}/go", browse.go_to_path),
    get(f"{_BUCKET}/search", browse.search),
    get(f"{_BUCKET}/size", browse.folder_size),
    get(f"{_BUCKET}/new-folder", new_folder.new),
    post(f"{_BUCKET}/new-folder", new_folder.create),
    get(_FILE, details.details),
    get(f"{_FILE}/download", details.download),
    get(f"{_FILE}/rename", changes.new_name),
    post(f"{_FILE}/rename", changes.rename),
    get(f"{_FILE}/describe", changes.new_description),
    post(f"{_FILE}/describe", changes.describe),
    get(f"{_FILE}/retention", locks.new_retention),
    post(f"{_FILE}/retention", locks.retain),
    post(f"{_FILE}/hold", locks.hold),
    post(f"{_FILE}/restore", versions.restore),
    post(f"{_FILE}/hide", versions.hide),
    post(f"{_FILE}/unhide", versions.unhide),
    get(f"{_FILE}/delete", versions.confirm_delete),
    post(f"{_FILE}/delete", versions.delete),
    get(f"{_FILE}/share", shares.new),
    post(f"{_FILE}/share", shares.create),
    post(f"{_SELECTION}/zip", selection.zipped),
    post(f"{_SELECTION}/delete", selection.delete),
    post(f"{_SELECTION}/hold", selection.hold),
    post(f"{_SELECTION}/unhide", selection.unhide),
    get(f"{_BUCKET}/shares", shares.listed),
    post(f"{_BUCKET}/shares/revoke", shares.revoke),
    get("/s/{token}", shared.page, who=Who.ANYBODY),
    post("/s/{token}", shared.fetch, who=Who.ANYBODY),
)
