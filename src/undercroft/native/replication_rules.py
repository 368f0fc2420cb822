"""A bucket's replication as the native protocol sends it (reference, sections 7.7 and 16). The store says what it takes."""

from __future__ import annotations

import msgspec

from undercroft.native.lock_shapes import Shape
from undercroft.store.model import Replication, ReplicationDestination, ReplicationRule, ReplicationSource


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule of a source."""

    replication_rule_name: str
    destination_bucket_id: str
    file_name_prefix: str
    include_existing_files: bool
    is_enabled: bool
    priority: int


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The half that makes a bucket a source."""

    replication_rules: list[Rule]
    source_application_key_id: str


class Destination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """The half that makes a bucket a destination."""

    source_to_destination_key_mapping: dict[str, str]


class ReplicationConfiguration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """Both halves, each of which may be null or absent; without both, replication is off."""

    as_replication_source: Source | None = None
    as_replication_destination: Destination | None = None


def replication_of(configuration: ReplicationConfiguration | None) -> Replication | None:
    """What the store is asked for; None where the request says nothing of replication."""
    if configuration is None:
        return None
    source, destination = configuration.as_replication_source, configuration.as_replication_destination
    return Replication(
        None
        if source is None
        else ReplicationSource(
            tuple(ReplicationRule(**msgspec.structs.asdict(rule)) for rule in source.replication_rules),
            source.source_application_key_id,
        ),
        None if destination is None else ReplicationDestination(destination.source_to_destination_key_mapping),
    )


def replication_shape(replication: Replication) -> Shape | None:
    """The value of `replicationConfiguration`."""
    shape: Shape | None = msgspec.to_builtins(replication) if replication.is_set else None
    return shape
