"""Who asks: an application key, the service in the name of one, a download grant, or nobody."""

from __future__ import annotations

from typing import Literal

import msgspec

from undercroft.store.model import ApplicationKey


class DownloadGrant(msgspec.Struct, frozen=True):
    """What a download authorization allows: reading by name in one bucket under one prefix, with fixed overrides.

    With a `file_id` it allows something else: reading that one version by its id, with just these overrides. `issued_by` is the
    id of the key that issued it: the grant dies with that key. `overrides` maps response override parameters
    (b2ContentDisposition, …) to the value that a request must repeat. Times are milliseconds since the epoch.
    """

    account_id: str
    issued_by: str
    bucket_id: str
    name_prefix: str
    overrides: dict[str, str]
    expires_ms: int
    file_id: str | None = None


class Source(msgspec.Struct, frozen=True):
    """Where a call of an API came from: which API, the client's address, and the protocol's name of the call."""

    way: Literal["native", "s3"]
    address: str
    call: str


class Principal(msgspec.Struct, frozen=True):
    """Who asks. Exactly one of `key` and `grant` is set, unless nobody asks.

    `source` is given to calls that manage something, so that the audit log has them; it decides nothing.
    """

    kind: Literal["key", "service", "grant", "nobody"]
    key: ApplicationKey | None = None
    grant: DownloadGrant | None = None
    source: Source | None = None

    @staticmethod
    def of_key(key: ApplicationKey) -> Principal:
        """The principal of somebody who has proven to hold the key."""
        return Principal("key", key=key)

    @staticmethod
    def of_service(key: ApplicationKey) -> Principal:
        """The service itself, at work in the name of this key. It alone changes what is in snapshot buckets."""
        return Principal("service", key=key)

    @staticmethod
    def of_grant(grant: DownloadGrant) -> Principal:
        """The principal of somebody who holds a download authorization."""
        return Principal("grant", grant=grant)

    def asking_from(self, source: Source) -> Principal:
        """The same, as whoever manages something by a call of an API."""
        return msgspec.structs.replace(self, source=source)

    @property
    def account_id(self) -> str | None:
        """The account that the principal acts for."""
        if self.key is not None:
            return self.key.account_id
        return None if self.grant is None else self.grant.account_id

    @property
    def key_id(self) -> str | None:
        """The key whose deletion ends this principal's rights."""
        if self.key is not None:
            return self.key.key_id
        return None if self.grant is None else self.grant.issued_by

    def key_of(self, account_id: str) -> str:
        """The id of the key under which the account counts what the principal does; empty where it is none of its own."""
        key = self.key
        if key is not None:
            return key.key_id if key.account_id == account_id else ""
        grant = self.grant
        return grant.issued_by if grant is not None and grant.account_id == account_id else ""

    @property
    def is_of_whole_account(self) -> bool:
        """Whether the principal's key is restricted to no buckets and no names."""
        return self.key is not None and self.key.bucket_ids is None and self.key.name_prefix is None

    def reaches(self, bucket_id: str) -> bool:
        """Whether the principal's key is restricted to no buckets, or to this one among others."""
        return self.key is not None and (self.key.bucket_ids is None or bucket_id in self.key.bucket_ids)

    def proves(self, key: ApplicationKey) -> bool:
        """Whether this principal is of that key as it is now: with the same secret, which a master key may change."""
        return self.key is None or self.key.secret == key.secret

    def can(self, capability: str) -> bool:
        """Whether the principal's key holds the capability, whatever its restrictions."""
        return self.key is not None and capability in self.key.capabilities


NOBODY = Principal("nobody")
