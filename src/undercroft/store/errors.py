"""The errors of the store: one family, which each face maps to its own protocol from one table."""

from __future__ import annotations

from typing import Literal


class StoreError(Exception):
    """Anything the store refuses or cannot do. Nothing has changed when it is raised."""


class NotOfProtocols(StoreError):
    """What only the console and the commands ask for is refused: neither protocol has an answer for it, or needs one."""


# -- Who asks ---------------------------------------------------------------------------------------------------------
class Unauthorized(StoreError):
    """The principal may not do this: a capability, bucket, prefix or owner is missing."""

    def __init__(self, message: str = "", *, missing: str = "") -> None:
        super().__init__(message)
        self.missing = missing  # The capability that would have allowed it, where there is one.


class ReadOnlyBucket(Unauthorized):
    """The bucket is one that the service keeps, as those of snapshots; the message says what cannot be done."""


class Unproven:
    """What errors have that say that who asks has not proven to be who they claim to be.

    `account_id` is that of the key they named, empty for none known.
    """

    account_id = ""


class BadCredentials(Unproven, StoreError):
    """The key id is unknown, its secret is wrong, or the key is deleted or expired, or the account suspended."""


class BadToken(Unproven, StoreError):
    """A token that this installation did not issue, or whose key or account is gone."""


class ExpiredToken(Unproven, StoreError):
    """A genuine token past its time."""


class TooManyAttempts(NotOfProtocols):
    """Somebody tries too often: another attempt is taken after `retry_after_s` seconds.

    `is_first` tells that this attempt was the first to be refused, so that a log says it once.
    """

    def __init__(self, retry_after_s: int, *, is_first: bool) -> None:
        minutes = max(1, -(-retry_after_s // 60))
        super().__init__(f"Too many attempts. Try again in {minutes} minute{'s' if minutes > 1 else ''}.")
        self.retry_after_s = retry_after_s
        self.is_first = is_first


class BadLink(NotOfProtocols):
    """A link that was never given out, has been used, was taken back, or is past its time."""

    def __init__(self) -> None:
        super().__init__("This link has been used already, or it has expired.")


class ProductNotEnabled(Unauthorized):
    """The account has not enabled the product that this is part of."""

    def __init__(self, message: str = "B2 Cloud Storage is not enabled for this account.") -> None:
        super().__init__(message)


class UnsupportedKey(StoreError):
    """The key exists, but this way of using it cannot express its restrictions (several buckets before v4)."""


# -- What is asked for ------------------------------------------------------------------------------------------------
class InvalidRequest(StoreError):
    """A field has a value outside its rules. `field` names it in the store's words."""

    def __init__(self, message: str, field: str = "") -> None:
        super().__init__(message)
        self.field = field


class NoSuchTarget(InvalidRequest):
    """The account has no replication target of this name."""


class InvalidFileName(InvalidRequest):
    """A file name that is empty, too long or has control characters. `too_long` tells the second."""

    def __init__(self, message: str, *, too_long: bool = False) -> None:
        super().__init__(message, "fileName")
        self.too_long = too_long


class BadLogDestination(InvalidRequest):
    """The bucket that access logs are to go to is not there, is not the account's, or has Object Lock."""


class InvalidBucketName(InvalidRequest):
    """A bucket name outside the rules."""


class MetadataTooLarge(InvalidRequest):
    """Name and file info together exceed their budget, `limit` bytes."""

    def __init__(self, message: str, field: str = "", *, limit: int = 0) -> None:
        super().__init__(message, field)
        self.limit = limit


class OutOfRange(InvalidRequest):
    """A count outside its limits."""


class EventTypesEmpty(StoreError):
    """A notification rule without event types."""


class EventTypeInvalid(StoreError):
    """A notification rule with an event type that nobody knows."""


class EventTypeOverlap(StoreError):
    """An event that a notification rule asks for twice, or that two rules ask for."""


class EventTypesMixed(StoreError):
    """A notification rule with a wildcard for the types of several categories."""


class NoSuchBucket(StoreError):
    """No bucket of this name or id (that the principal may know of)."""

    def __init__(self, bucket: str) -> None:
        super().__init__(f"Bucket {bucket} does not exist")
        self.bucket = bucket


class DuplicateBucketName(StoreError):
    """The name is taken. `own` tells whether by the caller's own account."""

    def __init__(self, *, own: bool) -> None:
        super().__init__("Bucket name is already in use.")
        self.own = own


class TooManyBuckets(StoreError):
    """The account has reached its number of buckets."""


class BucketNotEmpty(StoreError):
    """A bucket with any version, hide marker or unfinished large file cannot be deleted."""


class MissingLock(StoreError):
    """Retention or a legal hold is asked for in a bucket without Object Lock."""


class LockCannotBeDisabled(StoreError):
    """Object Lock, once enabled, stays so."""


class ReplicationConflict(StoreError):
    """Object Lock cannot be enabled in a bucket that is a source of replication already."""


class RetentionPast(StoreError):
    """A retention must end in the future."""


class VersionLocked(StoreError):
    """The version is under retention or a legal hold, so it cannot be removed."""


class RetentionProtected(StoreError):
    """The retention of the version cannot be shortened, ended or weakened (by this principal)."""


class LockForbidden(Unauthorized):
    """The principal may not set retention or legal holds."""


class RevisionConflict(StoreError):
    """`ifRevisionIs` differs from the bucket's revision."""


class NoSuchRule(StoreError):
    """The bucket has no event notification or replication rule of this name."""


class NoSuchKey(StoreError):
    """No application key of this id in the account."""


class NoSuchAccount(StoreError):
    """No such account."""


class NoSuchSession(NotOfProtocols):
    """No such console session of the account."""


class WeakPassword(NotOfProtocols, InvalidRequest):
    """A new password that is too short, too long, or among those that are tried first."""

    def __init__(self, message: str) -> None:
        InvalidRequest.__init__(self, message, "password")


class WrongPasskey(NotOfProtocols):
    """What a browser brought is no passkey of ours, or was not signed for this page just now."""

    def __init__(self) -> None:
        super().__init__("This passkey was not accepted.")


class NoSuchPerson(NotOfProtocols):
    """Nobody was invited into the account at this address."""


class NoSuchPasskey(NotOfProtocols):
    """The account has no passkey of this id."""


class TooManyPasskeys(NotOfProtocols):
    """The account has as many passkeys as it may have."""


class WrongCode(NotOfProtocols, InvalidRequest):
    """A code that the account's authenticator app does not show now, or that has been used."""

    def __init__(self) -> None:
        InvalidRequest.__init__(self, "This code is wrong, or has been used.", "code")


class SecondFactorState(NotOfProtocols):
    """The second factor is enabled where it must not be, or is not where it must be."""


class SignUpClosed(NotOfProtocols):
    """Nobody may sign up, or only those who are invited."""

    def __init__(self) -> None:
        super().__init__("Nobody can sign up here without an invitation.")


class DuplicateEmail(StoreError):
    """The e-mail address already has an account."""


class NoSuchShare(NotOfProtocols):
    """No share link with this token or id that still works; the message says why, for whoever has the token."""


class TooManyShares(NotOfProtocols):
    """The bucket has as many share links as it may have."""


class WrongPassword(NotOfProtocols):
    """Not the password of the share link."""


class TooManyTries(NotOfProtocols):
    """A password was tried too often within a while."""


class NoSuchGroup(StoreError):
    """No group of this id that the principal's account administers."""


class NoSuchMember(StoreError):
    """The account is no member of the group."""


class TooManyMembers(StoreError):
    """The group has reached its number of members."""


class NothingToUndo(NotOfProtocols):
    """What is to be undone was undone already, or is too long ago."""


class NoSuchJob(StoreError):
    """There is no job of this id, or none that the principal may see."""


class JobConflict(StoreError):
    """The job has ended, or is not in the state that this would change."""


class TooManyJobs(StoreError):
    """The account has as many jobs under way as it may have."""


class NoSuchFile(StoreError):
    """No visible file of this name. `hide_marker_id` is the file id of the newest version where that is a hide marker."""

    def __init__(self, bucket: str, name: str, hide_marker_id: str | None = None) -> None:
        super().__init__(f"bucket {bucket} does not have file: {name}")
        self.bucket = bucket
        self.name = name
        self.hide_marker_id = hide_marker_id


class NoSuchVersion(StoreError):
    """No version of this file id (under this name, where one was given)."""

    def __init__(self, file_id: str, name: str = "") -> None:
        super().__init__(f"File not present: {name} {file_id}".replace("  ", " "))
        self.file_id = file_id
        self.name = name


class IsHideMarker(StoreError):
    """The version named is a hide marker, which has no bytes. `uploaded_ms` is its upload time."""

    def __init__(self, file_id: str, uploaded_ms: int) -> None:
        super().__init__("The version is a hide marker.")
        self.file_id = file_id
        self.uploaded_ms = uploaded_ms


class AlreadyHidden(StoreError):
    """The name's newest version is a hide marker already (native dialect only)."""


class InvalidFileId(InvalidRequest):
    """A string that cannot be a file id."""


class NoSuchUpload(StoreError):
    """No unfinished large file of this id."""

    def __init__(self, file_id: str) -> None:
        super().__init__(f"No active upload for: {file_id}")
        self.file_id = file_id


class RangeNotSatisfiable(StoreError):
    """The range begins past the end. `size` is the whole size in bytes."""

    def __init__(self, size: int) -> None:
        super().__init__("The requested range is not satisfiable.")
        self.size = size


# -- Bytes ------------------------------------------------------------------------------------------------------------
class DigestMismatch(StoreError):
    """The bytes received do not have the digest that the client declared. Both are raw digests."""

    def __init__(self, algorithm: str, expected: bytes, calculated: bytes) -> None:
        super().__init__(f"The {algorithm} digest of the data received differs from the one declared.")
        self.algorithm = algorithm
        self.expected = expected
        self.calculated = calculated


class LengthMismatch(StoreError):
    """The body had fewer or more bytes than declared."""

    def __init__(self, expected: int, received: int) -> None:
        super().__init__(f"The body has {received} bytes where {expected} were declared.")
        self.expected = expected
        self.received = received


class TooLarge(StoreError):
    """A file, part or copy source above its limit. Sizes in bytes."""

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(f"{size} bytes exceed the limit of {limit}.")
        self.size = size
        self.limit = limit


class PreconditionFailed(StoreError):
    """A condition on the current version does not hold. `condition` is the S3 header's name."""

    def __init__(self, condition: str) -> None:
        super().__init__("At least one of the pre-conditions you specified did not hold")
        self.condition = condition


class MissingCustomerKey(InvalidRequest):
    """The bytes are encrypted under a customer's key, and none was given."""

    def __init__(
        self,
        message: str = "The object was stored using a form of Server Side Encryption. The correct parameters must be"
        " provided to retrieve the object.",
    ) -> None:
        super().__init__(message)


class WrongCustomerKey(StoreError):
    """The bytes are encrypted under another customer's key than the one given."""


class NeedlessCustomerKey(InvalidRequest):
    """A customer's key was given for bytes that are not encrypted under one."""


class EncryptionMismatch(InvalidRequest):
    """A part is to be encrypted otherwise than its large file."""


# -- Large files ------------------------------------------------------------------------------------------------------
class TooFewParts(StoreError):
    """The native dialect wants at least two parts."""


class MissingPart(StoreError):
    """A part number that the finish names, or that must be there, was never uploaded."""

    def __init__(self, part_number: int) -> None:
        super().__init__(f"Part number {part_number} has not been uploaded")
        self.part_number = part_number


class PartMismatch(StoreError):
    """A part's digest differs from what the finish says of it."""

    def __init__(self, part_number: int) -> None:
        super().__init__(f"Part number {part_number} has a different digest")
        self.part_number = part_number


class PartTooSmall(StoreError):
    """A part other than the last below the minimum. Sizes in bytes."""

    def __init__(self, part_number: int, size: int, minimum: int) -> None:
        super().__init__(f"Part number {part_number} is smaller than {minimum} bytes")
        self.part_number = part_number
        self.size = size
        self.minimum = minimum


class PartOrder(StoreError):
    """The part numbers of a finish do not ascend."""


# -- Caps ---------------------------------------------------------------------------------------------------------------
# Whose quota has refused something, as errors name it: what bucket and key it is, a client knows.
_OF_KIND = {"bucket": "the bucket", "key": "the application key"}


class CapExceeded(StoreError):
    """What is asked for would pass a cap of the account, of one of its buckets or of a key. Its text is for the client: it says which."""

    message = "Cap exceeded. See the Caps & Alerts page to increase your cap."

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.message)


class StorageCapExceeded(CapExceeded):
    """The account would hold more bytes than it may."""

    message = "Cannot upload files, storage cap exceeded. See the Caps & Alerts page to increase your cap."


class FilesCapExceeded(StorageCapExceeded):
    """The account would show more files than it may."""

    message = "Cannot upload files, the cap on files is exceeded. See the Caps & Alerts page to increase your cap."


class BucketCapExceeded(StorageCapExceeded):
    """The bucket would hold more bytes or files than it may, whatever its account may."""

    def __init__(self, bucket_name: str, category: Literal["storage", "files"]) -> None:
        super().__init__(
            f"Cannot upload files, the bucket's cap is exceeded: {bucket_name}. "
            "See the Caps & Alerts page to increase its cap."
        )
        self.category = category


class TransactionCapExceeded(CapExceeded):
    """The account has made as many transactions of the class as it may make today."""

    message = "Transaction cap exceeded. See the Caps & Alerts page to increase your cap."


class RequestsCapExceeded(TransactionCapExceeded):
    """A bucket, or a key, has been asked for as much as may be asked for today, whatever its account may."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"Transaction cap exceeded: {_OF_KIND[kind]} has a cap on requests a day, which is used up. "
            "See the Caps & Alerts page to increase it."
        )


class UploadCapExceeded(CapExceeded):
    """More bytes would be uploaded today, into the bucket or with the key, than may be."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"Cannot upload files: {_OF_KIND[kind]} has a cap on bytes uploaded a day, which is exceeded. "
            "See the Caps & Alerts page to increase it."
        )


class DownloadCapExceeded(CapExceeded):
    """More bytes would be downloaded today than may be."""

    message = (
        "Cannot download file, download bandwidth or transaction (Class B) cap exceeded. "
        "See the Caps & Alerts page to increase your cap."
    )

    @classmethod
    def of_quota(cls, kind: str) -> DownloadCapExceeded:
        """That of a bucket or a key."""
        return cls(
            f"Cannot download file: {_OF_KIND[kind]} has a cap on bytes downloaded a day, which is exceeded. "
            "See the Caps & Alerts page to increase it."
        )


# -- The machine ------------------------------------------------------------------------------------------------------
class StorageFull(StoreError):
    """No room (P12): rolled back; deletes still work."""


class DataCorrupt(StoreError):
    """Stored bytes differ from their checksum (P3): never served in silence."""


class StorageFailed(StoreError):
    """The medium failed; what was asked for did not happen."""


class Busy(StoreError):
    """Too much at once; the client should come again."""
