"""Where a bucket's access logs may go (console reference, section 23; what is written there: `work/access_logs.py`)."""

from __future__ import annotations

from undercroft.catalog import buckets
from undercroft.catalog.contract import Transaction
from undercroft.store import names
from undercroft.store.directory import bucket_of_row
from undercroft.store.errors import BadLogDestination, InvalidFileName, InvalidRequest
from undercroft.store.identity.authorize import authorize
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Logging
from undercroft.store.operations import Operation

# What follows the prefix in the name of a log: when it was written, and what tells it from others of that second.
NAME_FORMAT = "%Y-%m-%d-%H-%M-%S-"
UNIQUE_BYTES = 8
_NAME_LENGTH = len("2026-01-31-12-30-00-") + 2 * UNIQUE_BYTES


def check_prefix(prefix: str) -> None:
    """Raise `InvalidRequest` unless the names of logs may begin so."""
    try:
        names.check_file_name(prefix + "0" * _NAME_LENGTH)
    except InvalidFileName as error:
        raise InvalidRequest(str(error), "prefix") from error


def may_take_logs(destination: Bucket, account_id: str) -> bool:
    """Whether a bucket may be the destination of an account's logs.

    What Object Lock would keep could not be cleared away when it is no longer wanted, which is why B2 leaves such buckets out.
    """
    return destination.account_id == account_id and not destination.lock.enabled


async def towards(tx: Transaction, principal: Principal, name: str, prefix: str) -> Logging:
    """The setting that sends logs into the bucket of this name.

    A key must be allowed to set the destination's logging too, or one for a single bucket could have the server write into
    all others. Raises `BadLogDestination` and `Unauthorized`.
    """
    row = await buckets.by_name(tx, name)
    # Whether somebody else has a bucket of the name is nobody's business here: it is as good as none.
    if row is None or row.account_id != principal.account_id:
        raise BadLogDestination(f"There is no bucket {name[:100]} in this account.", "destination")
    destination = await bucket_of_row(tx, row)
    authorize(principal, Operation.WRITE_BUCKET_LOGGING, destination)
    if not may_take_logs(destination, row.account_id):
        raise BadLogDestination(f"The bucket {row.name} has Object Lock: logs cannot go there.", "destination")
    return Logging(row.bucket_id, row.name, prefix)
