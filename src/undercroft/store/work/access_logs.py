"""Access logs: who asked for what in a bucket, written into a bucket (console reference, section 23).

Faces tell of every request that they have finished on a bucket that logs. Its line stays in memory for a few seconds; then each
process writes what it has, one file a source bucket, in the name of the account itself. That is best effort, as in S3: a
process that is killed loses those seconds, and what cannot be stored (a full disk, a cap, no destination any more) is dropped and
noted, so that logging never stands in the way of what is logged.

Files written here come from no face, so no log tells of a log being written, even where a bucket logs into itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from time import perf_counter

import msgspec
import structlog

from undercroft import limits
from undercroft.store.ambient import Ambient
from undercroft.store.buckets.access_logging import NAME_FORMAT, UNIQUE_BYTES, may_take_logs
from undercroft.store.directory import Directory
from undercroft.store.errors import StoreError
from undercroft.store.files.service import Files
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Logging, NewFile
from undercroft.store.work.access_log_lines import Access, line_of

# Takes the status that left (499: the client had gone before the end), bytes of the body, and the seconds that it all took.
WhenFinished = Callable[[int, int, float], None]
_CLIENT_GONE = 499
_log = structlog.get_logger(__name__)


class _Gathered:
    """Lines that wait to be written. `bucket` is their source as it was at the last of them."""

    __slots__ = ("bucket", "lines")

    def __init__(self, bucket: Bucket) -> None:
        self.bucket = bucket
        self.lines: list[bytes] = []


class _Lines:
    """The lines as the body of an upload."""

    algorithms: frozenset[str] = frozenset()

    def __init__(self, text: bytes) -> None:
        self._text = text
        self.length: int | None = len(text)

    async def chunks(self) -> AsyncIterator[bytes]:
        """All of them at once."""
        yield self._text

    def expected(self) -> Mapping[str, bytes]:
        """Nothing: they come from memory."""
        return {}


class AccessLogs:
    """The access logs of one process. Its methods are for the event loop's thread alone."""

    def __init__(self, directory: Directory, files: Files, ambient: Ambient) -> None:
        self._directory = directory
        self._files = files
        self._ambient = ambient
        self._gathered: dict[str, _Gathered] = {}  # By source bucket.
        self._size_bytes = 0
        self._overflowed = 0
        self._full = asyncio.Event()
        self._writing = asyncio.Lock()

    # -- Every request --------------------------------------------------------------------------------------------------
    def is_quiet(self, name: str) -> bool:
        """Whether this is surely the name of a bucket that does not log: what is true of most requests costs two look-ups."""
        bucket = self._directory.known_bucket_named(name)
        return bucket is not None and bucket.logging is None

    def is_quiet_id(self, bucket_id: str) -> bool:
        """The same of the bucket of this id."""
        bucket = self._directory.known_bucket(bucket_id)
        return bucket is not None and bucket.logging is None

    async def logging_bucket(self, *, name: str = "", bucket_id: str = "") -> Bucket | None:
        """The bucket of this name or id, if it logs."""
        if bucket_id:
            bucket = await self._directory.bucket_by_id(bucket_id)
        else:
            bucket = await self._directory.bucket_by_name(name)
        return bucket if bucket is not None and bucket.logging is not None else None

    def when_finished(self, accesses: Sequence[tuple[Bucket, Access]]) -> WhenFinished:
        """What is to be called once the answer, which is ready now, has left: it adds the lines."""
        return partial(self._finished, accesses, perf_counter())

    def _finished(
        self, accesses: Sequence[tuple[Bucket, Access]], ready: float, status: int, sent_bytes: int, seconds: float
    ) -> None:
        total_ms = round(seconds * 1000)
        since_ready_ms = round((perf_counter() - ready) * 1000)
        for bucket, access in accesses:
            whole = msgspec.structs.replace(
                access,
                status=status,
                began_ms=self._ambient.now_ms() - total_ms,
                sent_bytes=None if status == _CLIENT_GONE else sent_bytes,
                total_ms=total_ms,
                ready_ms=max(0, total_ms - since_ready_ms),
            )
            self.add(bucket, whole)

    def add(self, bucket: Bucket, access: Access) -> None:
        """Keep the line of an access until it is written, if there is room."""
        line = line_of(bucket, access)
        if self._size_bytes + len(line) > limits.ACCESS_LOG_GATHERED_MAX_BYTES:
            self._overflowed += 1
            return
        gathered = self._gathered.get(bucket.bucket_id)
        if gathered is None:
            gathered = self._gathered[bucket.bucket_id] = _Gathered(bucket)
        gathered.bucket = bucket
        gathered.lines.append(line)
        self._size_bytes += len(line)
        if self._size_bytes >= limits.ACCESS_LOG_WRITE_BYTES:
            self._full.set()

    async def obstacle(self, bucket: Bucket) -> str:
        """Why the logs of a bucket cannot be stored where they are to go; an empty text where they can."""
        if bucket.logging is None:
            return ""
        await self._directory.catch_up()
        return _obstacle(await self._directory.bucket_by_id(bucket.logging.destination_bucket_id), bucket)

    # -- Every few seconds ----------------------------------------------------------------------------------------------
    async def write(self) -> None:
        """Write what has gathered. Raises nothing that a bucket, a cap or a full disk could be the reason of."""
        async with self._writing:
            taken, self._gathered = self._gathered, {}
            overflowed, self._overflowed = self._overflowed, 0
            self._size_bytes = 0
            self._full.clear()
            if overflowed:
                _log.warning("access_log_dropped", lines=overflowed, reason="more came than could be written")
            for gathered in taken.values():
                assert gathered.bucket.logging is not None, "Only what a bucket logs is gathered."
                refusal = await self._write(gathered.bucket, gathered.bucket.logging, b"".join(gathered.lines))
                if refusal:
                    _log.warning(
                        "access_log_dropped", bucket=gathered.bucket.name, lines=len(gathered.lines), reason=refusal
                    )

    async def keep_writing(self) -> None:
        """Write every `ACCESS_LOG_WRITE_S`, or sooner where much gathers, until cancelled, and once more then."""
        try:
            while True:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._full.wait(), limits.ACCESS_LOG_WRITE_S)
                # Shielded: an upload that is cancelled would leave nobody to know whether its lines were stored.
                await asyncio.shield(asyncio.ensure_future(self.write()))
        finally:
            await self.write()

    async def _write(self, source: Bucket, logging: Logging, text: bytes) -> str:
        """Store the lines of a bucket as one file; why that could not be, or an empty text."""
        try:
            await self._directory.catch_up()
            destination = await self._directory.bucket_by_id(logging.destination_bucket_id)
            obstacle = _obstacle(destination, source)
            if destination is None or obstacle:
                return obstacle
            master_key = await self._directory.key(source.account_id)
            if master_key is None:
                return "the account is suspended"
            now_ms = self._ambient.now_ms()
            unique = self._ambient.random_bytes(UNIQUE_BYTES).hex().upper()
            name = logging.prefix + time.strftime(NAME_FORMAT, time.gmtime(now_ms // 1000)) + unique
            await self._files.upload(
                Principal.of_key(master_key), destination, name, NewFile("text/plain"), _Lines(text)
            )
        except StoreError as error:
            return str(error) or type(error).__name__
        return ""


def _obstacle(destination: Bucket | None, source: Bucket) -> str:
    if destination is None:
        return "the destination is gone"
    return "" if may_take_logs(destination, source.account_id) else "the destination has Object Lock"
