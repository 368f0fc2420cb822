"""CORS rules that the page makes and knows again: who may read from other origins, and through which API (reference, section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.console.languages import N_, _
from undercroft.store.buckets.cors import native_rules
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import Document

NONE, ANY, HTTPS, ONE, UPLOADS, CUSTOM = "none", "any", "https", "one", "uploads", "custom"
IMPORT, IMPORT_XML = "import", "import-xml"
NATIVE, S3, BOTH = "native", "s3", "both"
DOWNLOADS = {
    NATIVE: ("b2_download_file_by_id", "b2_download_file_by_name"),
    S3: ("s3_get", "s3_head"),
}
TRANSFERS = {
    NATIVE: (*DOWNLOADS[NATIVE], "b2_upload_file", "b2_upload_part"),
    S3: (*DOWNLOADS[S3], "s3_put", "s3_post", "s3_delete"),
}
# The operations of the editor, as people think of them.
GROUPS = (
    (N_("Download"), (*DOWNLOADS[NATIVE], *DOWNLOADS[S3])),
    (N_("Upload"), ("b2_upload_file", "b2_upload_part", "s3_put", "s3_post")),
    (N_("Delete"), ("s3_delete",)),
)
_MAX_AGE_S = 3600
_NAMES = {ANY: "downloadFromAnyOrigin", HTTPS: "downloadFromAnyHttpsOrigin", ONE: "downloadFromOneOrigin", UPLOADS: "transferFromOneOrigin"}  # fmt: skip


class Preset(NamedTuple):
    """A choice of the page, with the API that it is for and the origin where one is typed."""

    choice: str
    face: str = BOTH
    origin: str = ""


def rules_of(preset: Preset) -> list[Document]:
    """The rules that a preset makes; the origin is judged when they are stored. Raises `InvalidRequest` for no preset of ours."""
    if preset.choice == NONE:
        return []
    if preset.choice not in _NAMES or preset.face not in (NATIVE, S3, BOTH):
        raise InvalidRequest(_("Choose one of these."), "corsRules")
    origin = {ANY: "*", HTTPS: "https"}.get(preset.choice, preset.origin)
    operations = TRANSFERS if preset.choice == UPLOADS else DOWNLOADS
    name = _NAMES[preset.choice]
    names = {NATIVE: name, S3: f"s3{name[0].upper()}{name[1:]}"}
    return [
        {
            "corsRuleName": names[face],
            "allowedOrigins": [origin],
            "allowedOperations": list(operations[face]),
            "allowedHeaders": ["*"] if preset.choice == UPLOADS else ["authorization", "range"],
            "exposeHeaders": ["etag", "x-bz-content-sha1"] if preset.choice == UPLOADS else None,
            "maxAgeSeconds": _MAX_AGE_S,
        }
        for face in (NATIVE, S3)
        if preset.face in (face, BOTH)
    ]


def preset_of(rules: Sequence[Document]) -> Preset:
    """The preset that makes just these rules, or `CUSTOM`."""
    if not rules:
        return Preset(NONE)
    known = native_rules(rules)
    origin = known[0]["allowedOrigins"][0]
    for choice in (ANY, HTTPS, ONE, UPLOADS):
        for face in (BOTH, NATIVE, S3):
            preset = Preset(choice, face, origin if choice in (ONE, UPLOADS) else "")
            if rules_of(preset) == known:
                return preset
    return Preset(CUSTOM)
