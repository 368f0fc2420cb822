"""The addresses of a file: the three that are for everybody, and those with a grant, which this browser may use for a while.

Stored files are only ever served from the API's address. So nothing that is stored can act for the console's origin.
"""

from __future__ import annotations

import ipaddress
from typing import NamedTuple
from urllib.parse import quote, urlencode, urlsplit

from undercroft import limits
from undercroft.console.visit import Visit
from undercroft.store.identity.principals import Principal
from undercroft.store.model import SSE_C, Action, Bucket, FileVersion

_EXTENDED_SAFE = "!#$&+.^_`|~-"  # RFC 8187, "attr-char", besides letters and digits.


class Addresses(NamedTuple):
    """The three URLs of the founding document."""

    friendly: str
    s3: str
    native: str


def addresses_of(visit: Visit, bucket: Bucket, version: FileVersion) -> Addresses:
    """The URLs of a version. The first two lead to the newest version of its name."""
    origin, name = visit.api_origin, quote(version.name, safe="/")
    return Addresses(
        friendly=f"{origin}/file/{bucket.name}/{name}",
        s3=f"{s3_origin(visit, bucket)}/{name}",
        native=f"{origin}/b2api/v4/b2_download_file_by_id?fileId={version.file_id}",
    )


def s3_origin(visit: Visit, bucket: Bucket) -> str:
    """The bucket's own address where the API answers to names under its domain, else its path at the API's address."""
    settings, api = visit.settings, urlsplit(visit.api_origin)
    host = api.hostname or ""
    if host == settings.domain or _is_loopback(host):
        port = f":{api.port}" if api.port else ""
        return f"{api.scheme}://{bucket.name}.s3.{settings.region}.{settings.domain}{port}"
    return f"{visit.api_origin}/{bucket.name}"


async def granted(visit: Visit, version: FileVersion, *, inline: bool = False) -> str:
    """An address at which this browser downloads a version, or shows it."""
    return await granted_to(
        visit, visit.principal, version, limits.CONSOLE_GRANT_VALID_S, inline=inline, to_others=False
    )


async def granted_to(
    visit: Visit,
    principal: Principal,
    version: FileVersion,
    valid_s: int,
    *,
    inline: bool = False,
    to_others: bool = True,
) -> str:
    """The same in the name of somebody, for so many seconds, `to_others` or for this browser."""
    overrides = {"b2ContentDisposition": disposition(version.name, inline=inline)}
    token = await visit.store.identity.version_grant(principal, version, valid_s, overrides, to_others=to_others)
    query = urlencode({"fileId": str(version.file_id), "Authorization": token, **overrides}, quote_via=quote)
    return f"{visit.api_origin}/b2api/v4/b2_download_file_by_id?{query}"


def disposition(name: str, *, inline: bool = False) -> str:
    """The header that gives a download its name, for old and new browsers (RFC 6266)."""
    last = name.rstrip("/").rpartition("/")[2] or "download"
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in last)
    return f"{'inline' if inline else 'attachment'}; filename=\"{plain}\"; filename*=UTF-8''{quote(last, safe=_EXTENDED_SAFE)}"


def can_be_fetched(version: FileVersion) -> bool:
    """Whether a link can lead to its bytes: it has some, and they open without a key of the customer's."""
    return version.action is Action.UPLOAD and (version.encryption is None or version.encryption.mode != SSE_C)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
