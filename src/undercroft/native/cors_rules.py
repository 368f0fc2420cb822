"""CORS rules of a bucket: what may be asked, and that it comes back as it was sent (reference, section 13.6)."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, UnsetType

from undercroft import limits
from undercroft.native.errors import BadRequest
from undercroft.store.model import Document

OPERATIONS = frozenset(
    {
        "b2_download_file_by_name", "b2_download_file_by_id", "b2_upload_file", "b2_upload_part",
        "s3_delete", "s3_get", "s3_head", "s3_post", "s3_put",
    }
)  # fmt: skip
_NAME = re.compile(r"[A-Za-z0-9-]{6,63}\Z")
_ORIGIN = re.compile(r"https?://(?P<host>[^/?#@:\s]+)(?::(?:\d{1,5}))?\Z")
_HEADER = re.compile(r"[!#$%&'+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_PATTERN = re.compile(r"(?:[!#$%&'+.^_`|~0-9A-Za-z-]+\*?|\*)\Z")


class CORSRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename="camel"):
    """One rule. A member that was not sent is unset, which is not null: it must not appear in answers."""

    cors_rule_name: str
    allowed_origins: list[str]
    allowed_operations: list[str]
    max_age_seconds: int
    allowed_headers: list[str] | UnsetType | None = UNSET
    expose_headers: list[str] | UnsetType | None = UNSET

    def size_bytes(self) -> int:
        """The bytes of all its strings, which is what the service counts."""
        lists = (self.allowed_origins, self.allowed_operations, self.allowed_headers or [], self.expose_headers or [])
        texts = [self.cors_rule_name, *(text for items in lists for text in items)]
        return sum(len(text.encode("utf-8")) for text in texts)


def _is_origin(origin: str) -> bool:
    """Whether the text is `*`, a scheme, or scheme, host with at most one `*`, and port."""
    if origin in {"*", "http", "https"}:
        return True
    match = _ORIGIN.match(origin)
    return match is not None and match["host"].count("*") <= 1


def _check(rule: CORSRule) -> None:
    name = rule.cors_rule_name
    if _NAME.match(name) is None or name.startswith("b2-"):
        raise BadRequest(
            f"Invalid corsRuleName {name[:100]!r}: 6 to 63 letters, digits and '-', not beginning with b2-"
        )
    if rule.size_bytes() >= limits.CORS_RULE_MAX_BYTES:
        raise BadRequest(f"The CORS rule {name!r} must be smaller than {limits.CORS_RULE_MAX_BYTES} bytes")
    if not rule.allowed_origins or not all(map(_is_origin, rule.allowed_origins)):
        raise BadRequest(f"The CORS rule {name!r} needs allowedOrigins of the form *, https or https://host:port")
    if not rule.allowed_operations or not OPERATIONS.issuperset(rule.allowed_operations):
        raise BadRequest(f"The CORS rule {name!r} needs allowedOperations of {', '.join(sorted(OPERATIONS))}")
    if not all(map(_HEADER_PATTERN.match, rule.allowed_headers or [])):
        raise BadRequest(f"The CORS rule {name!r} has an invalid name in allowedHeaders")
    if not all(map(_HEADER.match, rule.expose_headers or [])):
        raise BadRequest(f"The CORS rule {name!r} has an invalid name in exposeHeaders")
    if not 0 <= rule.max_age_seconds <= limits.CORS_MAX_AGE_S:
        raise BadRequest(f"The CORS rule {name!r} has maxAgeSeconds outside 0 to {limits.CORS_MAX_AGE_S}")


def checked_cors_rules(rules: list[CORSRule]) -> list[Document]:
    """The rules as they are stored and answered. Raises `BadRequest` for what section 13.6 forbids."""
    if len(rules) > limits.CORS_RULES_PER_BUCKET:
        raise BadRequest(f"A bucket can have at most {limits.CORS_RULES_PER_BUCKET} CORS rules")
    names: set[str] = set()
    for rule in rules:
        _check(rule)
        if rule.cors_rule_name in names:
            raise BadRequest(f"Two CORS rules are named {rule.cors_rule_name!r}")
        names.add(rule.cors_rule_name)
    stored: list[Document] = msgspec.to_builtins(rules)
    return stored
