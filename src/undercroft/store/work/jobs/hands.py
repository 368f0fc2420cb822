"""Who works on a job: taking it up in the name of whoever asked for it, and what refusals make of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from undercroft.catalog import accounts, jobs
from undercroft.catalog.contract import Catalog, Transaction
from undercroft.catalog.jobs import JobRow
from undercroft.store.ambient import Ambient
from undercroft.store.directory import Directory
from undercroft.store.errors import (
    BadCredentials,
    BucketCapExceeded,
    Busy,
    FilesCapExceeded,
    NoSuchBucket,
    StorageCapExceeded,
    StorageFull,
    StoreError,
    Unauthorized,
    UploadCapExceeded,
)
from undercroft.store.gate import Gate
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket
from undercroft.store.work.jobs.model import Place, State, Tally, tally_of, text_of


class Overtaken(Exception):
    """The job was paused, canceled, or moved on by another process."""


class Hands:
    """What all that work on jobs do alike."""

    def __init__(self, catalog: Catalog, gate: Gate, directory: Directory, ambient: Ambient) -> None:
        self._catalog = catalog
        self._gate = gate
        self._directory = directory
        self._ambient = ambient

    async def take_up(self, row: JobRow) -> tuple[Principal, Bucket]:
        """In whose name the job acts, and on which bucket. Raises `BadCredentials` and `NoSuchBucket`."""
        await self._directory.catch_up()
        key = await self._directory.key(row.key_id)
        if key is None:
            raise BadCredentials("The key is not valid any more.")
        bucket = await self._directory.bucket_by_id(row.bucket_id)
        if bucket is None:
            raise NoSuchBucket(row.bucket_id)
        return Principal.of_key(key), bucket

    @asynccontextmanager
    async def turn(self, row: JobRow, *, needs_room: bool = False) -> AsyncIterator[None]:
        """A turn of a job. What refuses it ends the job, or pauses it where that can be mended.

        `Overtaken` ends the turn. Raises `StorageFull` and `Busy`, after which it goes on another time; but a full disk pauses
        what would begin anew and fill it again, with `needs_room`.
        """
        try:
            yield
        except Overtaken:
            return
        except StorageFull:
            if not needs_room:
                raise
            await self._stop(row.job_id, State.PAUSED, "The storage is full.")
        except Busy:
            raise
        except BucketCapExceeded:
            await self._stop(row.job_id, State.PAUSED, "A bucket has reached its cap.")
        except FilesCapExceeded:
            await self._stop(row.job_id, State.PAUSED, "The account has reached its cap on files.")
        except StorageCapExceeded:
            await self._stop(row.job_id, State.PAUSED, "The account has reached its cap on storage.")
        except UploadCapExceeded as error:
            await self._stop(row.job_id, State.PAUSED, str(error))
        except BadCredentials:
            account = await accounts.find(self._catalog.rows, row.account_id)
            if account is not None and account.suspended:
                await self._stop(row.job_id, State.PAUSED, "The account is suspended.")
            else:
                await self._stop(row.job_id, State.FAILED, "The key that asked for this is gone or has expired.")
        except Unauthorized:
            await self._stop(row.job_id, State.FAILED, "The key that asked for this may not do it.")
        except NoSuchBucket as error:
            await self._stop(row.job_id, State.FAILED, f"A bucket is gone: {error}")
        except StoreError as error:  # Nothing that comes again at every turn may hold up the jobs of others.
            await self._stop(row.job_id, State.FAILED, str(error) or type(error).__name__)

    async def move(self, row: JobRow, tally: Tally, place: Place | None) -> JobRow:
        """Add to what the job did, and note where it goes on; None: it is done. Raises `Overtaken`."""
        now_ms = self._ambient.now_ms()
        return await self._gate.write(lambda tx: moved(tx, row, tally, place, now_ms))

    async def is_canceled(self, row: JobRow) -> bool:
        """Whether somebody has canceled the job."""
        now = await jobs.find(self._catalog.rows, row.job_id)
        return now is not None and now.state == jobs.CANCELED

    async def _stop(self, job_id: str, state: State, reason: str) -> None:
        """Pause a job, or let it have failed, unless somebody else has changed what it does."""
        now_ms = self._ambient.now_ms()
        ended_ms = now_ms if state.is_ended else None

        async def change(tx: Transaction) -> None:
            row = await jobs.find(tx, job_id)
            if row is not None and row.state == jobs.RUNNING:
                stopped = row._replace(state=state.value, reason=reason, updated_ms=now_ms, ended_ms=ended_ms)
                await jobs.move(tx, row, stopped)

        await self._gate.write(change)


async def moved(tx: Transaction, row: JobRow, tally: Tally, place: Place | None, now_ms: int) -> JobRow:
    """As `Hands.move`, within a transaction."""
    together = tally_of(row)
    together.add(tally)
    after = row._replace(tally=text_of(together), updated_ms=now_ms)
    ended = {"state": jobs.DONE, "ended_ms": now_ms}
    found = await jobs.move(tx, row, after._replace(**ended if place is None else {"place": text_of(place)}))
    if found is None:
        raise Overtaken
    return found
