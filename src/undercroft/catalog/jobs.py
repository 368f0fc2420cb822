"""Statements about jobs: long work that somebody asked for, how far it has come, and what it has to say.

A job moves on in the transactions that do its work, and only from where its writer believes it to be: whoever pauses or
cancels it has the last word, and no two processes do the same part of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from undercroft.catalog.contract import Rows, Transaction

RUNNING, PAUSED, DONE, FAILED, CANCELED = "running", "paused", "done", "failed", "canceled"

_NAMES = (
    "job_id", "account_id", "bucket_id", "key_id", "kind", "parameters", "state", "reason", "place", "tally", "total",
    "created_ms", "updated_ms", "ended_ms", "revision",
)  # fmt: skip
_COLUMNS = ", ".join(_NAMES)
_VALUES = ", ".join(f"?{number}" for number in range(1, len(_NAMES) + 1))


class JobRow(NamedTuple):
    """A row of `jobs`. `parameters`, `place` and `tally` are JSON, whose shapes are those of the job's kind.

    `total` is how many versions it has to look at, about, where that is known. `reason` is why it was paused or has failed.
    """

    job_id: str
    account_id: str
    bucket_id: str
    key_id: str
    kind: str
    parameters: str
    state: str
    reason: str | None
    place: str
    tally: str
    total: int | None
    created_ms: int
    updated_ms: int
    ended_ms: int | None
    revision: int


class RemarkRow(NamedTuple):
    """What a job has to say of one version."""

    number: int
    what: str
    name: bytes
    file_id: str


async def insert(tx: Transaction, row: JobRow) -> None:
    """Add a job."""
    await tx.run(f"INSERT INTO jobs ({_COLUMNS}) VALUES ({_VALUES})", row)


async def find(rows: Rows, job_id: str) -> JobRow | None:
    """The job of this id."""
    row = await rows.one(f"SELECT {_COLUMNS} FROM jobs WHERE job_id = ?1", (job_id,))
    return None if row is None else JobRow._make(row)


async def move(tx: Transaction, before: JobRow, after: JobRow) -> JobRow | None:
    """Let the job be as `after` says, under its next revision; None, and nothing is changed, if it is not as before."""
    moved = after._replace(revision=before.revision + 1)
    found = await tx.one(
        "UPDATE jobs SET state = ?3, reason = ?4, place = ?5, tally = ?6, updated_ms = ?7, ended_ms = ?8, revision = ?9"
        " WHERE job_id = ?1 AND revision = ?2 RETURNING revision",
        (
            before.job_id, before.revision, moved.state, moved.reason, moved.place, moved.tally, moved.updated_ms,
            moved.ended_ms, moved.revision,
        ),
    )  # fmt: skip
    return None if found is None else moved


async def running(rows: Rows, kinds: Sequence[str], limit: int) -> list[JobRow]:
    """Jobs of these kinds that are to be worked on, those first that have waited longest."""
    marks = ", ".join(f"?{number}" for number in range(2, len(kinds) + 2))
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM jobs WHERE state = 'running' AND kind IN ({marks}) ORDER BY updated_ms, job_id LIMIT ?1",
        (limit, *kinds),
    )
    return [JobRow._make(row) for row in found]


async def of_account(
    rows: Rows, account_id: str, before: tuple[int, str], limit: int, *, bucket_id: str | None = None
) -> list[JobRow]:
    """The account's jobs that were made before the place (created, id), newest first; of one bucket, if it is given."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM jobs WHERE account_id = ?1 AND (created_ms, job_id) < (?2, ?3)"
        " AND (?5 IS NULL OR bucket_id = ?5) ORDER BY created_ms DESC, job_id DESC LIMIT ?4",
        (account_id, *before, limit, bucket_id),
    )
    return [JobRow._make(row) for row in found]


async def lately(rows: Rows, account_id: str, since_ms: int, limit: int) -> list[JobRow]:
    """The account's jobs that run, or have moved since then, newest first."""
    found = await rows.all(
        f"SELECT {_COLUMNS} FROM jobs WHERE account_id = ?1 AND (state = 'running' OR updated_ms > ?2)"
        " ORDER BY created_ms DESC, job_id DESC LIMIT ?3",
        (account_id, since_ms, limit),
    )
    return [JobRow._make(row) for row in found]


async def any_lately(rows: Rows, account_id: str, since_ms: int) -> bool:
    """Whether there is one of them."""
    found = await rows.one(
        "SELECT 1 FROM jobs WHERE account_id = ?1 AND (state = 'running' OR updated_ms > ?2) LIMIT 1",
        (account_id, since_ms),
    )
    return found is not None


async def count_unended(rows: Rows, account_id: str) -> int:
    """How many jobs of the account run or are paused."""
    row = await rows.one("SELECT count(*) FROM jobs WHERE account_id = ?1 AND ended_ms IS NULL", (account_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def forget_old(tx: Transaction, account_id: str, kept: int) -> None:
    """Remove all but so many of the account's jobs that have ended, the oldest first."""
    found = await tx.all(
        "SELECT job_id FROM jobs WHERE account_id = ?1 AND ended_ms IS NOT NULL"
        " ORDER BY created_ms DESC, job_id DESC LIMIT 1000 OFFSET ?2",
        (account_id, kept),
    )
    await _delete(tx, [str(job_id) for (job_id,) in found])


async def delete_of_bucket(tx: Transaction, bucket_id: str) -> None:
    """Remove all jobs of a bucket."""
    found = await tx.all("SELECT job_id FROM jobs WHERE bucket_id = ?1", (bucket_id,))
    await _delete(tx, [str(job_id) for (job_id,) in found])


async def _delete(tx: Transaction, job_ids: Sequence[str]) -> None:
    for job_id in job_ids:
        await tx.run("DELETE FROM job_remarks WHERE job_id = ?1", (job_id,))
        await tx.run("DELETE FROM jobs WHERE job_id = ?1", (job_id,))


# -- Remarks ----------------------------------------------------------------------------------------------------------
async def count_remarks(rows: Rows, job_id: str) -> int:
    """How many remarks a job has made."""
    row = await rows.one("SELECT coalesce(max(number), 0) FROM job_remarks WHERE job_id = ?1", (job_id,))
    assert row is not None
    return row[0]  # type: ignore[return-value]


async def add_remarks(tx: Transaction, job_id: str, remarks: Sequence[RemarkRow]) -> None:
    """Add remarks, with the numbers that they have."""
    await tx.many(
        "INSERT INTO job_remarks (job_id, number, what, name, file_id) VALUES (?1, ?2, ?3, ?4, ?5)",
        [(job_id, *remark) for remark in remarks],
    )


async def remarks(rows: Rows, job_id: str, after: int, limit: int) -> list[RemarkRow]:
    """The remarks of a job behind this number, in order."""
    found = await rows.all(
        "SELECT number, what, name, file_id FROM job_remarks WHERE job_id = ?1 AND number > ?2 ORDER BY number LIMIT ?3",
        (job_id, after, limit),
    )
    return [RemarkRow._make(row) for row in found]
