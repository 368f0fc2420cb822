"""Which face answers a request: Host decides before path (design, section 6).

On a virtual host (`BUCKET.s3.REGION.DOMAIN`, `BUCKET.s3.DOMAIN`) every path is a key of that bucket, `/file/x` too. Elsewhere
the health paths and the native face have their prefixes, and everything else speaks S3, path-style.
"""

from __future__ import annotations

import re
from functools import lru_cache

from undercroft import limits
from undercroft.http.health import Health
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.native.app import NativeFace
from undercroft.s3.app import S3Face
from undercroft.settings import Settings

_NATIVE_PREFIXES = (b"/b2api/", b"/file/")


class API:
    """The handler of the API address."""

    def __init__(self, settings: Settings, health: Health, native: NativeFace, s3: S3Face) -> None:
        hosts = virtual_hosts(settings.region, settings.domain)

        @lru_cache(maxsize=limits.HOSTS_CACHED)
        def bucket_of(host: bytes) -> str | None:
            match = hosts.fullmatch(host)
            return None if match is None else match[1].decode("ascii").lower()

        self._bucket_of = bucket_of
        self._health = health
        self._native = native
        self._s3 = s3

    async def __call__(self, request: Request) -> Response:
        """Hand the request to its face."""
        bucket = self._bucket_of(request.header_map.get(b"host", b""))
        if bucket is not None:
            return await self._s3.handle(request, bucket)
        path = request.raw_path
        if path.startswith(_NATIVE_PREFIXES):
            return await self._native.handle(request)
        if self._health.knows(path):
            return await self._health(request)
        return await self._s3.handle(request, None)


def virtual_hosts(region: str, domain: str) -> re.Pattern[bytes]:
    """What a Host must look like to name a bucket, which is group 1. Ports do not count, nor does case.

    A bucket's name may have dots in it, so it reaches as far to the right as it can.
    """
    s3 = rf"s3(?:\.{re.escape(region)})?\.{re.escape(domain)}"
    return re.compile(rf"[ \t]*([a-z0-9_.-]+)\.{s3}\.?(?::\d*)?[ \t]*".encode(), re.IGNORECASE)
