"""CORS rules of a bucket as the native protocol sends them (reference, section 13.6). The store says which it takes."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType

from undercroft.store.model import Document


class CORSRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule. A member that was not sent is unset, which is not null: it must not appear in answers."""

    cors_rule_name: str
    allowed_origins: list[str]
    allowed_operations: list[str]
    max_age_seconds: int
    allowed_headers: list[str] | UnsetType | None = UNSET
    expose_headers: list[str] | UnsetType | None = UNSET


def cors_documents(rules: list[CORSRule]) -> list[Document]:
    """The rules as they are stored and answered."""
    documents: list[Document] = msgspec.to_builtins(rules)
    return documents
