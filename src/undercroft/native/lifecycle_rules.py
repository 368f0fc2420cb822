"""Lifecycle rules of a bucket as the native protocol sends them (reference, section 13.5). The store says which it takes."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from undercroft.store.model import Document


class LifecycleRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule. A member that was not sent is unset, which is not null: it must not appear in answers."""

    file_name_prefix: str
    days_from_uploading_to_hiding: int | UnsetType | None = UNSET
    days_from_hiding_to_deleting: int | UnsetType | None = UNSET
    days_from_starting_to_canceling_unfinished_large_files: int | UnsetType | None = UNSET


def lifecycle_documents(rules: list[LifecycleRule]) -> list[Document]:
    """The rules as they are stored and answered."""
    documents: list[Document] = msgspec.to_builtins(rules)
    return documents
