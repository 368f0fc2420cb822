"""One S3 call: everything its handler needs, parsed as far as every handler needs it and no further."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from undercroft.http.origin import client_of
from undercroft.http.request import Request
from undercroft.http.response import Response
from undercroft.s3.authenticate import Authentication
from undercroft.s3.body import read_document
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.facts import OperationFacts
from undercroft.s3.transactions import CLASSES
from undercroft.settings import Settings
from undercroft.store.errors import IsHideMarker, NoSuchUpload, NoSuchVersion
from undercroft.store.identity.principals import Principal, Source
from undercroft.store.model import Action, Bucket, FileVersion
from undercroft.store.operations import Operation

if TYPE_CHECKING:
    from undercroft.store import Store

NULL_VERSION = "null"


class Call:
    """A request that has been authenticated and routed.

    `bucket_name` and `key` are empty where the operation's scope has none. `headers` are the request's by lower-case
    name, with those that a presigned URL carries in its query.
    """

    __slots__ = (
        "authentication",
        "bucket_name",
        "facts",
        "headers",
        "key",
        "now_ms",
        "principal",
        "query",
        "request",
        "settings",
        "store",
    )

    def __init__(
        self,
        store: Store,
        settings: Settings,
        request: Request,
        authentication: Authentication,
        facts: OperationFacts,
        target: tuple[str | None, str | None],
        query: dict[str, str],
        now_ms: int,
    ) -> None:
        self.store = store
        self.settings = settings
        self.request = request
        self.authentication = authentication
        self.principal: Principal = authentication.principal
        self.facts = facts
        self.bucket_name = target[0] or ""
        self.key = target[1] or ""
        self.query = query
        self.headers: Mapping[bytes, bytes] = request.header_map
        self.now_ms = now_ms

    @property
    def managing(self) -> Principal:
        """The caller as whoever manages something, which the audit log has with where the call came from."""
        return self.principal.asking_from(Source("s3", client_of(self.request, self.settings), self.facts.name))

    def header(self, name: str) -> str | None:
        """The header's value decoded as Latin-1, stripped, or None. `name` is lower-case."""
        value = self.headers.get(name.encode("ascii"))
        return None if value is None else value.decode("latin-1").strip()

    async def document(self, *, checksum_of_body: bool = True) -> bytes:
        """The XML body, verified against what the request declares of it.

        Nobody has a use for one, and parsing costs more than anything else that could be had without a key. Raises
        `AccessDenied` for nobody, and what `read_document` raises.
        """
        self.require_signature()
        return await read_document(self.request, self.authentication, checksum_of_body=checksum_of_body)

    def require_signature(self) -> None:
        """Refuse nobody: what is public is an object's bytes, not what is known about it. Raises `AccessDenied`."""
        if not self.authentication.signed:
            raise S3Error("AccessDenied")

    async def settings_of_bucket(self, operation: Operation) -> Bucket:
        """The bucket addressed as it is now, for an operation on its settings, which is judged by this.

        Raises what `bucket` raises, and `Unauthorized`.
        """
        return self.of_expected_owner(await self.store.buckets.read(self.principal, self.bucket_name, operation))

    async def settings_to_change(self, operation: Operation) -> Bucket:
        """The same for an operation that changes them: the audit log has who may not."""
        found = await self.store.buckets.read_to_change(self.managing, self.bucket_name, operation)
        return self.of_expected_owner(found)

    async def bucket(self, *, remembered: bool = False) -> Bucket:
        """The bucket addressed. Raises `NoSuchBucket`, and `AccessDenied` where the caller expects another owner.

        `remembered` is for reads of a current version, which notice an outdated bucket themselves.
        """
        return self.of_expected_owner(await self.store.buckets.find(name=self.bucket_name, remembered=remembered))

    def of_expected_owner(self, bucket: Bucket, header: bytes = b"x-amz-expected-bucket-owner") -> Bucket:
        """The same bucket, if it belongs to the account that the request names. Raises `AccessDenied`."""
        expected = self.headers.get(header)
        if expected is not None and expected.decode("latin-1").strip() != bucket.account_id:
            raise S3Error("AccessDenied", f"The bucket does not belong to the account in {header.decode('ascii')}.")
        return bucket

    def charge_read(self, read: Bucket | FileVersion) -> None:
        """Count the operation, a read that is allowed, for the bucket's owner. Raises `TransactionCapExceeded`."""
        name = self.facts.name
        account_id = read.account_id
        self.request.counted = self.store.accounting.charge(
            account_id, name, CLASSES[name], 1, read.bucket_id, self.principal.key_of(account_id)
        )

    def version(
        self, bucket: Bucket, *, operation: Operation = Operation.READ_FILE, data: bool = False
    ) -> Awaitable[FileVersion]:
        """The version with bytes that the key, and `versionId` where it is given, address for an operation.

        `data` tells that its bytes will be read, which the store then prepares for. Raises what `readable_version` raises, and
        `InvalidArgument` for an empty `versionId`.
        """
        return self.readable_version(bucket, self.key, self.version_id(), operation=operation, data=data)

    def version_id(self) -> str | None:
        """The `versionId` parameter, or None. Raises `InvalidArgument` for an empty one."""
        version_id = self.query.get("versionId")
        if version_id == "":
            raise invalid_argument("versionId", version_id, "Version id cannot be the empty string")
        return version_id

    def readable_version(
        self,
        bucket: Bucket,
        key: str,
        version_id: str | None,
        *,
        operation: Operation = Operation.READ_FILE,
        data: bool = False,
    ) -> Awaitable[FileVersion]:
        """A version with bytes: the one of this id, or without an id the current one.

        Buckets are always versioned, so there is no version that could be called `null`: that is an id like any other
        that is well-formed and unknown. An upload that is still being put together is no version either. Raises
        `NoSuchFile`, `NoSuchVersion`, `IsHideMarker`, `InvalidFileId` and `Unauthorized`.
        """
        if version_id is None:
            return self.store.files.current(self.principal, bucket, key, operation=operation, data=data)
        return self._version_of_id(bucket, key, version_id, operation)

    async def _version_of_id(self, bucket: Bucket, key: str, version_id: str, operation: Operation) -> FileVersion:
        if version_id == NULL_VERSION:
            raise NoSuchVersion(version_id, key)
        version = await self.store.files.version(
            self.principal, version_id, bucket=bucket, name=key, operation=operation
        )
        if version.action is Action.HIDE:
            raise IsHideMarker(version_id, version.uploaded_ms)
        if version.action is Action.START:
            raise NoSuchVersion(version_id, key)
        return version

    async def upload(self, operation: Operation = Operation.WRITE_FILE) -> tuple[Bucket, FileVersion]:
        """The bucket, and the unfinished upload of the key that `uploadId` names. Raises `NoSuchUpload`."""
        bucket = await self.bucket()
        upload_id = self.query["uploadId"]
        if not upload_id:
            raise NoSuchUpload(upload_id)
        return await self.store.files.unfinished(
            self.principal, upload_id, bucket=bucket, name=self.key, operation=operation
        )

    def number(self, name: str, default: int, *, least: int = 0, most: int = 2**31 - 1) -> int:
        """A whole number from the query. An empty value counts as absent. Raises `InvalidArgument`."""
        value = self.query.get(name)
        if not value:
            return default
        return whole_number(name, value, least=least, most=most)


def whole_number(name: str, value: str, *, least: int = 0, most: int = 2**31 - 1) -> int:
    """The number that a parameter or header has. Raises `InvalidArgument` where it is none or out of its limits."""
    digits = value.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 20:
        raise invalid_argument(name, value, f"Provided {name} not an integer or within integer range")
    number = int(value)
    if not least <= number <= most:
        raise invalid_argument(name, value, f"Argument {name} must be an integer between {least} and {most}")
    return number


Handler = Callable[[Call], Awaitable[Response]]
