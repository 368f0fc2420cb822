"""Share links: whoever has one may fetch one version of a file, until it ends or is revoked.

A share is a record of ours, and its link has a random token of which only the hash is kept: nobody finds a link in the
catalog, and revoking ends it at once. The file is fetched from the API's address with a grant for just that version, which is
good for minutes. It reads in the name of the key that made it, and so ends with that key, or while its account is suspended.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from undercroft import limits
from undercroft.catalog import shares, versions
from undercroft.catalog.contract import Catalog, Rows, Transaction
from undercroft.catalog.shares import ShareRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import (
    BadCredentials,
    InvalidRequest,
    NoSuchBucket,
    NoSuchShare,
    NoSuchVersion,
    TooManyShares,
    TooManyTries,
    Unauthorized,
    WrongPassword,
)
from undercroft.store.files.service import Files
from undercroft.store.gate import Gate
from undercroft.store.identity.passwords import hash_password, verify_password
from undercroft.store.identity.principals import Principal
from undercroft.store.ids import parse_file_id
from undercroft.store.model import Action, Bucket, FileVersion
from undercroft.store.operations import Operation

State = Literal["active", "expired", "used up", "deleted", "without a key"]
TOKEN_BYTES = 24
_NEWEST_FIRST = 1 << 48  # Ids of shares count down from here by the millisecond.


class Share(msgspec.Struct, frozen=True):
    """A share link, without its token. Times are milliseconds since the epoch; None: never, or any number."""

    share_id: str
    bucket_id: str
    name: str
    file_id: str
    has_password: bool
    created_ms: int
    expires_ms: int | None
    downloads_max: int | None
    downloads: int
    visits: int
    visited_ms: int | None
    is_there: bool = True  # Whether the version is still there.
    has_key: bool = True  # Whether the key in whose name it reads may be used.

    def state(self, now_ms: int) -> State:
        """Whether somebody can fetch the file with it, or else why not."""
        if not self.is_there:
            return "deleted"
        if not self.has_key:
            return "without a key"
        if self.is_used_up:
            return "used up"
        return "expired" if self.expires_ms is not None and self.expires_ms <= now_ms else "active"

    @property
    def is_used_up(self) -> bool:
        """Whether it has been fetched as often as it may."""
        return self.downloads_max is not None and self.downloads >= self.downloads_max


class Opened(NamedTuple):
    """What a link leads to: the share, the version, and the principal in whose name it is read."""

    share: Share
    version: FileVersion
    principal: Principal


class Shares:
    """The share links of all buckets."""

    def __init__(self, catalog: Catalog, directory: Directory, gate: Gate, files: Files, ambient: Ambient) -> None:
        self._catalog = catalog
        self._directory = directory
        self._gate = gate
        self._files = files
        self._ambient = ambient

    async def create(
        self,
        principal: Principal,
        bucket: Bucket,
        version: FileVersion,
        *,
        valid_s: int | None = None,
        password: str = "",
        downloads_max: int | None = None,
    ) -> tuple[Share, str]:
        """A share of this version, and the token of its link, which nobody is ever told again.

        It ends after `valid_s` seconds, or never. Needs readFiles and shareFiles. Raises `InvalidRequest`, `TooManyShares`.
        """
        if version.action is not Action.UPLOAD:
            raise InvalidRequest("Only an uploaded version can be shared.", "fileId")
        if version.encryption is not None and version.encryption.key_md5 is not None:
            raise InvalidRequest("What only a customer's key opens cannot be shared by a link.", "fileId")
        if valid_s is not None and not 1 <= valid_s <= limits.SHARE_VALID_MAX_S:
            raise InvalidRequest(f"A link lives for 1 to {limits.SHARE_VALID_MAX_S} seconds, or for ever.", "expiry")
        if downloads_max is not None and not 1 <= downloads_max <= limits.SHARE_DOWNLOADS_MAX:
            raise InvalidRequest(f"A link allows 1 to {limits.SHARE_DOWNLOADS_MAX} downloads.", "downloads")
        await self._gate.enter(principal, Operation.READ_FILE, bucket, version.name)
        password_hash = await hash_password(password, limits.SHARE_PASSWORD_MIN_LENGTH) if password else None
        token = base64.urlsafe_b64encode(self._ambient.random_bytes(TOKEN_BYTES)).decode()
        now_ms = self._ambient.now_ms()
        row = ShareRow(
            bucket_id=bucket.bucket_id,
            share_id=f"{_NEWEST_FIRST - now_ms:012x}{self._ambient.random_bytes(4).hex()}",
            token_hash=_hash(token),
            name=version.name.encode(),
            file_id=str(version.file_id),
            issued_by=principal.key_id or "",
            password_hash=password_hash,
            created_ms=now_ms,
            expires_ms=None if valid_s is None else now_ms + valid_s * 1000,
            downloads_max=downloads_max,
        )

        async def change(tx: Transaction) -> None:
            await shares.delete_ended(tx, bucket.bucket_id, now_ms - limits.SHARE_KEPT_S * 1000)
            if await shares.count(tx, bucket.bucket_id) >= limits.SHARES_PER_BUCKET:
                raise TooManyShares(f"A bucket has at most {limits.SHARES_PER_BUCKET:,} links; revoke some.")
            await shares.insert(tx, row)

        await self._gate.commit(principal, Operation.SHARE_FILES, bucket, version.name, change)
        return _share(row), token

    async def of_bucket(
        self, principal: Principal, bucket: Bucket, *, after: str = "", limit: int, text: str = ""
    ) -> tuple[list[Share], str | None]:
        """The shares of a bucket, newest first, behind the one of this id, and the id for the next page. Needs shareFiles.

        With a text, those of files alone that have it in their names, in any letter case.
        """
        await self._gate.enter(principal, Operation.SHARE_FILES, bucket, "")
        wanted = text.casefold()

        async def query(rows: Rows) -> list[tuple[ShareRow, bool]]:
            found, place = list[ShareRow](), after
            while len(found) <= limit:
                page = await shares.of_bucket(rows, bucket.bucket_id, place, limit + 1)
                found += [row for row in page if wanted in row.name.decode().casefold()]
                if len(page) <= limit:
                    break
                place = page[-1].share_id
            return [(row, await _is_there(rows, row)) for row in found[: limit + 1]]

        listed = await self._as_they_are(await self._catalog.scan(query))
        return listed[:limit], listed[limit - 1].share_id if len(listed) > limit else None

    async def of_file(self, principal: Principal, bucket: Bucket, name: str) -> list[Share]:
        """The shares of versions of a name, newest first, at most `limits.SHARES_SHOWN_OF_FILE`. Needs shareFiles."""
        await self._gate.enter(principal, Operation.SHARE_FILES, bucket, name)

        async def query(rows: Rows) -> list[tuple[ShareRow, bool]]:
            found = await shares.of_name(rows, bucket.bucket_id, name.encode(), limits.SHARES_SHOWN_OF_FILE)
            return [(row, await _is_there(rows, row)) for row in found]

        return await self._as_they_are(await self._catalog.scan(query))

    async def _as_they_are(self, found: Sequence[tuple[ShareRow, bool]]) -> list[Share]:
        await self._directory.catch_up()
        return [
            _share(row, is_there=is_there, has_key=await self._directory.key(row.issued_by) is not None)
            for row, is_there in found
        ]

    async def revoke(self, principal: Principal, bucket: Bucket, share_id: str) -> None:
        """End a share at once. Needs shareFiles for all of the bucket. Raises `NoSuchShare`."""

        async def change(tx: Transaction) -> None:
            if not await shares.delete(tx, bucket.bucket_id, share_id):
                raise NoSuchShare("This link has been revoked already.")

        await self._gate.commit(principal, Operation.SHARE_FILES, bucket, "", change)

    async def open(self, token: str) -> Opened:
        """What the link with this token leads to, for anybody who has it; counts the visit. Raises `NoSuchShare`."""
        row, opened = await self._find(token)
        now_ms = self._ambient.now_ms()
        await self._gate.write(lambda tx: shares.count_visit(tx, row, now_ms))
        return opened

    async def take(self, token: str, password: str = "") -> Opened:
        """The same for somebody who fetches the file now: checks the password, and counts the download.

        Raises `NoSuchShare`, `WrongPassword`, and `TooManyTries` where passwords were tried too often.
        """
        row, opened = await self._find(token)
        if row.password_hash is not None:
            await self._check_password(row, password)
        if not await self._gate.write(lambda tx: shares.take_download(tx, row)):
            raise NoSuchShare("This link has been used as often as it may be.")
        return opened

    async def _check_password(self, row: ShareRow, password: str) -> None:
        now_ms, window_ms = self._ambient.now_ms(), limits.SHARE_TRIES_WINDOW_S * 1000
        # A try counts before it is looked at, so that many at once are no more than one after the other.
        tries = await self._gate.write(lambda tx: shares.take_try(tx, row, now_ms, window_ms))
        if tries > limits.SHARE_TRIES_MAX:
            raise TooManyTries("The password was tried too often. Try again in a quarter of an hour.")
        if not await verify_password(password, row.password_hash):
            raise WrongPassword("This is not the password of this link.")
        await self._gate.write(lambda tx: shares.forget_tries(tx, row))

    async def _find(self, token: str) -> tuple[ShareRow, Opened]:
        row = await shares.by_token(self._catalog.rows, _hash(token))
        if row is None:
            raise NoSuchShare("There is no such link, or it has been revoked.")
        share = _share(row)
        if share.expires_ms is not None and share.expires_ms <= self._ambient.now_ms():
            raise NoSuchShare("This link has expired.")
        if share.is_used_up:
            raise NoSuchShare("This link has been used as often as it may be.")
        await self._directory.catch_up()
        key = await self._directory.key(row.issued_by)
        if key is None:
            raise NoSuchShare("There is no such link, or it has been revoked.")
        principal = Principal.of_key(key)
        try:
            version = await self._files.version(principal, row.file_id, operation=Operation.SHARE_FILES)
        except (NoSuchVersion, NoSuchBucket, Unauthorized, BadCredentials):
            raise NoSuchShare("The file that this link was for is gone.") from None
        return row, Opened(share, version, principal)


def _hash(token: str) -> bytes:
    """What is kept of a token. It is random and long enough to need no salt."""
    return hashlib.sha256(token.encode()).digest()


async def _is_there(rows: Rows, row: ShareRow) -> bool:
    parsed = parse_file_id(row.file_id)
    return parsed is not None and (await versions.by_handle(rows, row.bucket_id, parsed.handle)).version is not None


def _share(row: ShareRow, *, is_there: bool = True, has_key: bool = True) -> Share:
    return Share(
        share_id=row.share_id,
        bucket_id=row.bucket_id,
        name=row.name.decode(),
        file_id=row.file_id,
        has_password=row.password_hash is not None,
        created_ms=row.created_ms,
        expires_ms=row.expires_ms,
        downloads_max=row.downloads_max,
        downloads=row.downloads,
        visits=row.visits,
        visited_ms=row.visited_ms,
        is_there=is_there,
        has_key=has_key,
    )
