"""The headers of a download (reference, sections 5.2, 11.4, 11.5), put together cheaply: downloads are hot.

Stored files never act as pages of this origin: browsers are told not to guess types, and whatever a browser would run
or render as a document is put into a sandbox.
"""

from __future__ import annotations

from functools import lru_cache

from undercroft.http.active_content import protecting_headers
from undercroft.http.header_grammar import INFO_HEADERS
from undercroft.http.response import Headers
from undercroft.native.bucket_info import CACHE_CONTROL_KEYS
from undercroft.native.encoding import encode
from undercroft.native.response_overrides import OVERRIDES
from undercroft.store.model import Bucket, FileVersion

_SPECIAL_NAMES = {key: header.lower().encode("ascii") for key, header in INFO_HEADERS.items()}


@lru_cache(maxsize=1024)
def _content_type_headers(content_type: str) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that depend on the content type alone, and those that never change."""
    return (
        (b"content-type", content_type.encode("utf-8")),
        (b"accept-ranges", b"bytes"),
        *protecting_headers(content_type),
    )


def download_headers(version: FileVersion, bucket: Bucket, overrides: dict[str, str]) -> Headers:
    """The headers of an answer with this version's bytes, except those of its length and range."""
    headers: Headers = [
        *_content_type_headers(overrides.get("b2ContentType") or version.content_type),
        (b"x-bz-file-id", str(version.file_id).encode("ascii")),
        (b"x-bz-file-name", encode(version.name).encode("ascii")),
        (b"x-bz-content-sha1", version.content_sha1.encode("ascii")),
        (b"x-bz-upload-timestamp", b"%d" % version.uploaded_ms),
    ]
    if version.replication_status is not None:
        headers.append((b"x-bz-replication-status", version.replication_status.name.encode("ascii")))
    special: dict[bytes, bytes] = {}
    for key in CACHE_CONTROL_KEYS:
        if key in bucket.info:
            special[b"cache-control"] = bucket.info[key].encode("utf-8")
            break
    for key, value in version.info.items():
        name = _SPECIAL_NAMES.get(key)
        if name is None:
            headers.append((b"x-bz-info-" + key.encode("utf-8"), encode(value).encode("ascii")))
        else:
            special[name] = value.encode("utf-8")
    for parameter, value in overrides.items():
        if parameter != "b2ContentType":
            special[OVERRIDES[parameter].lower().encode("ascii")] = value.encode("utf-8")
    headers.extend(special.items())
    return headers
