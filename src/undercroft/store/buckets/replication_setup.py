"""Replication as people ask for it: from this bucket to that one. Both halves of the configuration and the keys follow from it.

`b2 replication setup` does the same over the API. What was made stays when a later step is refused: a key more, which does
nothing by itself.
"""

from __future__ import annotations

import msgspec

from undercroft.store.buckets.service import Buckets
from undercroft.store.errors import InvalidRequest, NoSuchRule
from undercroft.store.identity.keys import Keys
from undercroft.store.identity.principals import Principal
from undercroft.store.model import Bucket, Replication, ReplicationDestination, ReplicationRule, ReplicationSource

SOURCE_CAPABILITIES = ("readFiles", "readFileLegalHolds", "readFileRetentions")
DESTINATION_CAPABILITIES = ("writeFiles", "writeFileLegalHolds", "writeFileRetentions", "deleteFiles")
_PRIORITY_STEP = 1


class ReplicationSetup:
    """Adds, pauses and removes rules of replication."""

    def __init__(self, buckets: Buckets, keys: Keys) -> None:
        self._buckets = buckets
        self._keys = keys

    async def add(
        self,
        principal: Principal,
        source: Bucket,
        destination: Bucket | str,
        name: str,
        *,
        prefix: str = "",
        include_existing: bool = False,
    ) -> Bucket:
        """Replicate a bucket to another one of the account, or to a target, which is given by its id.

        Answers the source as it is then. Raises what `Buckets.update` and `Keys.create` raise.
        """
        configured = source.replication.as_replication_source
        rules = () if configured is None else configured.replication_rules
        rule = ReplicationRule(
            replication_rule_name=name,
            destination_bucket_id=destination if isinstance(destination, str) else destination.bucket_id,
            file_name_prefix=prefix,
            include_existing_files=include_existing,
            is_enabled=True,
            priority=max((rule.priority for rule in rules), default=0) + _PRIORITY_STEP,
        )
        if configured is not None and configured.rule(name) is not None:
            raise InvalidRequest(f"Two replication rules are named {name}", "replicationRuleName")
        key_id = (
            await self._source_key_id(principal, source) if configured is None else configured.source_application_key_id
        )
        if isinstance(destination, Bucket):
            await self._admit(principal, destination, key_id)
        return await self._set_rules(principal, source, key_id, (*rules, rule))

    async def set_enabled(self, principal: Principal, source: Bucket, name: str, *, enabled: bool) -> Bucket:
        """Pause a rule, or let it go on. Raises `NoSuchRule`."""
        replicated = configured(source, name)
        rules = tuple(
            msgspec.structs.replace(rule, is_enabled=enabled) if rule.replication_rule_name == name else rule
            for rule in replicated.replication_rules
        )
        return await self._set_rules(principal, source, replicated.source_application_key_id, rules)

    async def remove(self, principal: Principal, source: Bucket, name: str) -> Bucket:
        """Remove a rule; what waits under it is let go. Raises `NoSuchRule`."""
        replicated = configured(source, name)
        rules = tuple(rule for rule in replicated.replication_rules if rule.replication_rule_name != name)
        return await self._set_rules(principal, source, replicated.source_application_key_id, rules)

    async def _source_key_id(self, principal: Principal, source: Bucket) -> str:
        made = await self._keys.create(
            principal, "replication-source", SOURCE_CAPABILITIES, bucket_ids=[source.bucket_id]
        )
        return made.key_id

    async def _admit(self, principal: Principal, destination: Bucket, source_key_id: str) -> None:
        """Let what the source's key reads be written into the destination, unless it is already."""
        admitted = destination.replication.as_replication_destination
        mapping = {} if admitted is None else admitted.source_to_destination_key_mapping
        if source_key_id in mapping:
            return
        made = await self._keys.create(
            principal, "replication-destination", DESTINATION_CAPABILITIES, bucket_ids=[destination.bucket_id]
        )
        half = ReplicationDestination({**mapping, source_key_id: made.key_id})
        whole = Replication(destination.replication.as_replication_source, half)
        await self._buckets.update(
            principal, destination.bucket_id, replication=whole, if_revision_is=destination.revision
        )

    async def _set_rules(
        self, principal: Principal, source: Bucket, key_id: str, rules: tuple[ReplicationRule, ...]
    ) -> Bucket:
        half = ReplicationSource(rules, key_id) if rules else None
        whole = Replication(half, source.replication.as_replication_destination)
        return await self._buckets.update(
            principal, source.bucket_id, replication=whole, if_revision_is=source.revision
        )


def configured(source: Bucket, name: str) -> ReplicationSource:
    """What the bucket replicates, with a rule of this name in it. Raises `NoSuchRule`."""
    configured = source.replication.as_replication_source
    if configured is None or configured.rule(name) is None:
        raise NoSuchRule(f"The bucket has no replication rule {name[:100]}")
    return configured
