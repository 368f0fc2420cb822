"""The one function that decides every request of every face."""

from __future__ import annotations

import msgspec

from undercroft.store.errors import ReadOnlyBucket, Unauthorized
from undercroft.store.identity.principals import DownloadGrant, Principal
from undercroft.store.model import SNAPSHOT, ApplicationKey, Bucket
from undercroft.store.operations import Operation


class Facts(msgspec.Struct, frozen=True):
    """What else a decision depends on.

    `file_id` is the id by which a file was asked for, which only a grant for that one version covers. `described` tells that
    not the bytes are wanted but what is known of them, which is nobody's but the account's, also in a public bucket.
    `overrides` are the response headers that the request asks to be changed.
    """

    file_id: str | None = None
    described: bool = False
    overrides: dict[str, str] = {}


NO_FACTS = Facts()
# A rule hears of any name, and has the address and the secret of whoever listens: nothing for a key of some names. Access
# logs have any name in them as well, and could be sent to where such a key reads them. A default retention locks any name, and
# lifecycle rules delete under any.
_OF_ALL_NAMES = frozenset(
    {
        Operation.READ_NOTIFICATIONS,
        Operation.WRITE_NOTIFICATIONS,
        Operation.WRITE_BUCKET_LOGGING,
        Operation.WRITE_BUCKET_LOCK,
        Operation.WRITE_BUCKET_LIFECYCLE,
    }
)

_CHANGES_OF_BUCKETS = frozenset(
    {
        Operation.WRITE_BUCKET,
        Operation.WRITE_NOTIFICATIONS,
        Operation.WRITE_FILE,
        Operation.DELETE_FILE,
        Operation.WRITE_BUCKET_REPLICATION,
        Operation.WRITE_BUCKET_ENCRYPTION,
        Operation.WRITE_BUCKET_LOGGING,
        Operation.WRITE_BUCKET_LIFECYCLE,
        Operation.WRITE_BUCKET_LOCK,
        Operation.WRITE_RETENTION,
        Operation.WRITE_LEGAL_HOLD,
    }
)


def authorize(
    principal: Principal,
    operation: Operation,
    bucket: Bucket | None,
    name: str | None = None,
    facts: Facts = NO_FACTS,
) -> None:
    """Return if the principal may do this; raise `Unauthorized` if not, and `ReadOnlyBucket` where nobody may.

    `bucket` is None for operations on an account. `name` is the file's name, the prefix of a list, or None where the
    operation concerns no name. Rules: B2 Native API, "Application Keys" and "Download Authorization".
    """
    if principal.key is not None:
        if _key_allows(principal.key, operation, bucket, name):
            if bucket is not None and bucket.type == SNAPSHOT and principal.kind != "service":
                _check_snapshot(operation)
            return
    elif principal.grant is not None and _grant_allows(principal.grant, operation, bucket, name, facts):
        return
    # Anybody reads a public bucket, but what the answer's headers say is not for anybody to choose.
    public = operation is Operation.READ_FILE and bucket is not None and bucket.is_public and not facts.described
    if public and (not facts.overrides or principal.kind != "nobody"):
        return
    missing = operation.value if principal.key is not None and not principal.can(operation.value) else ""
    raise Unauthorized(missing=missing)


def _check_snapshot(operation: Operation) -> None:
    if operation is Operation.DELETE_FILE:
        raise ReadOnlyBucket("Allow snapshot header must be specified when deleting a file from a snapshot bucket")
    if operation in _CHANGES_OF_BUCKETS:
        raise ReadOnlyBucket("Snapshot buckets cannot be modified")


def _key_allows(key: ApplicationKey, operation: Operation, bucket: Bucket | None, name: str | None) -> bool:
    if operation._value_ not in key.capabilities:  # As `value`, which is a call.
        return False
    if bucket is not None:
        if bucket.account_id != key.account_id:
            return False
        if key.bucket_ids is not None and bucket.bucket_id not in key.bucket_ids:
            return False
    if key.name_prefix is not None and operation in _OF_ALL_NAMES:
        return False
    return name is None or key.name_prefix is None or name.startswith(key.name_prefix)


def _grant_allows(
    grant: DownloadGrant, operation: Operation, bucket: Bucket | None, name: str | None, facts: Facts
) -> bool:
    if operation is not Operation.READ_FILE or bucket is None or bucket.bucket_id != grant.bucket_id or name is None:
        return False
    if grant.file_id is not None:
        # Whoever was given one version was given it as it was meant to be shown, and in no other way.
        return facts.file_id == grant.file_id and facts.overrides == grant.overrides and not facts.described
    return (
        facts.file_id is None
        and name.startswith(grant.name_prefix)
        and all(facts.overrides.get(parameter) == value for parameter, value in grant.overrides.items())
    )
