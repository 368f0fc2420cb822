"""Browsing files, their details, what changes them, and sharing."""

from __future__ import annotations

from undercroft.console.files import (
    browse,
    changes,
    details,
    find,
    inventory,
    locks,
    new_folder,
    own_key,
    selection,
    share_export,
    shared,
    shares,
    unfinished,
    versions,
    zips,
)
from undercroft.console.page import Page, Who, get, post

_BUCKET = "/buckets/{name}"
_FILE = "/buckets/{name}/file"
_SELECTION = "/buckets/{name}/selection"

PAGES: tuple[Page, ...] = (
    get("/files", browse.choose),
    get("/find", find.find),
    get(f"{_BUCKET}/files", browse.folder),
    get(f"{_BUCKET}/files.csv", inventory.export),
    get(f"{_BUCKET}/go", browse.go_to_path),
    get(f"{_BUCKET}/search", browse.search),
    get(f"{_BUCKET}/size", browse.folder_size),
    get(f"{_BUCKET}/new-folder", new_folder.new),
    post(f"{_BUCKET}/new-folder", new_folder.create, action="Create folder"),
    get(_FILE, details.details),
    get(f"{_FILE}/download", details.download),
    get(f"{_FILE}/own-key", details.download),
    post(f"{_FILE}/own-key", own_key.download, action="Download with own key"),
    get(f"{_FILE}/rename", changes.new_name),
    post(f"{_FILE}/rename", changes.rename, action="Move file"),
    get(f"{_FILE}/describe", changes.new_description),
    post(f"{_FILE}/describe", changes.describe, action="Edit file"),
    get(f"{_FILE}/retention", locks.new_retention),
    post(f"{_FILE}/retention", locks.retain, action="Set retention"),
    post(f"{_FILE}/hold", locks.hold, action="Set legal hold"),
    post(f"{_FILE}/restore", versions.restore, action="Restore version"),
    post(f"{_FILE}/hide", versions.hide, action="Hide file"),
    post(f"{_FILE}/unhide", versions.unhide, action="Un-hide file"),
    get(f"{_FILE}/delete", versions.confirm_delete),
    post(f"{_FILE}/delete", versions.delete, action="Delete version"),
    get(f"{_FILE}/share", shares.new),
    post(f"{_FILE}/share", shares.create, action="Share file"),
    post(f"{_SELECTION}/zip", zips.zipped, action="Download zip"),
    post(f"{_SELECTION}/confirm-delete", selection.confirm_delete, action=""),
    post(f"{_SELECTION}/delete", selection.delete, action="Delete files"),
    post(f"{_SELECTION}/undo-hiding", selection.undo_hiding, action="Un-hide files"),
    post(f"{_SELECTION}/hold", selection.hold, action="Set legal holds"),
    post(f"{_SELECTION}/unhide", selection.unhide, action="Un-hide files"),
    get(f"{_BUCKET}/unfinished", unfinished.listed),
    get(f"{_BUCKET}/shares", shares.listed),
    get(f"{_BUCKET}/shares.csv", share_export.export),
    post(f"{_BUCKET}/shares/revoke", shares.revoke, action="Revoke share link"),
    get("/s/{token}", shared.page, who=Who.ANYBODY),
    post("/s/{token}", shared.fetch, who=Who.ANYBODY, action=""),
)
