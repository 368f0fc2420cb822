"""The CORS rules that a bucket may have (B2 Native API, "Cross-Origin Resource Sharing Rules").

A rule is kept as the document that the native protocol knows. S3 knows the same rules in other words; what of its words has
no place in a native rule (a free id, no maximum age) is kept aside in the rule, under `S3_WORDS`, for S3 to get back.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import NamedTuple

from undercroft import limits
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import Document

# The operations that S3's rules are about, by their HTTP methods.
OPERATION_OF_METHOD = {"GET": "s3_get", "HEAD": "s3_head", "PUT": "s3_put", "POST": "s3_post", "DELETE": "s3_delete"}
S3_METHODS = {operation: method for method, operation in OPERATION_OF_METHOD.items()}
S3_OPERATIONS = frozenset(S3_METHODS)
OPERATIONS = S3_OPERATIONS | {
    "b2_download_file_by_name", "b2_download_file_by_id", "b2_upload_file", "b2_upload_part",
}  # fmt: skip
S3_WORDS = "s3"

_NAME = re.compile(r"[A-Za-z0-9-]{6,63}\Z")
_ORIGIN = re.compile(r"https?://(?P<host>[^/?#@:\s]+)(?::(?:\d{1,5}))?\Z")
_HEADER = re.compile(r"[!#$%&'+.^_`|~0-9A-Za-z-]+\Z")
_HEADER_PATTERN = re.compile(r"(?:[!#$%&'+.^_`|~0-9A-Za-z-]+\*?|\*)\Z")


class S3Rule(NamedTuple):
    """A rule in S3's words: its id is free, and it may have no maximum age."""

    rule_id: str | None
    origins: list[str]
    methods: list[str]
    allowed_headers: list[str]
    expose_headers: list[str]
    max_age_s: int | None


def check_rules(rules: Sequence[Document]) -> None:
    """Raise `InvalidRequest` for what the reference, section 13.6, forbids."""
    if len(rules) > limits.CORS_RULES_PER_BUCKET:
        raise InvalidRequest(f"A bucket can have at most {limits.CORS_RULES_PER_BUCKET} CORS rules")
    names: set[str] = set()
    for rule in rules:
        _check(rule)
        name = rule["corsRuleName"]
        if name in names:
            raise InvalidRequest(f"Two CORS rules are named {name!r}")
        names.add(name)


def _check(rule: Document) -> None:
    name = rule["corsRuleName"]
    if not _is_name(name):
        raise InvalidRequest(
            f"Invalid corsRuleName {name[:100]!r}: 6 to 63 letters, digits and '-', not beginning with b2-"
        )
    if _size_bytes(rule) >= limits.CORS_RULE_MAX_BYTES:
        raise InvalidRequest(f"The CORS rule {name!r} must be smaller than {limits.CORS_RULE_MAX_BYTES} bytes")
    if not rule["allowedOrigins"] or not all(map(_is_origin, rule["allowedOrigins"])):
        raise InvalidRequest(
            f"The CORS rule {name!r} needs allowedOrigins of the form *, https or https://host:port, "
            "with at most one * in the host"
        )
    if not rule["allowedOperations"] or not OPERATIONS.issuperset(rule["allowedOperations"]):
        raise InvalidRequest(f"The CORS rule {name!r} needs allowedOperations of {', '.join(sorted(OPERATIONS))}")
    if not all(map(_HEADER_PATTERN.match, rule.get("allowedHeaders") or [])):
        raise InvalidRequest(f"The CORS rule {name!r} has an invalid name in allowedHeaders")
    if not all(map(_HEADER.match, rule.get("exposeHeaders") or [])):
        raise InvalidRequest(f"The CORS rule {name!r} has an invalid name in exposeHeaders")
    if not 0 <= rule["maxAgeSeconds"] <= limits.CORS_MAX_AGE_S:
        raise InvalidRequest(f"The CORS rule {name!r} has maxAgeSeconds outside 0 to {limits.CORS_MAX_AGE_S}")


def _is_name(name: str) -> bool:
    return _NAME.match(name) is not None and not name.startswith("b2-")


def _is_origin(origin: str) -> bool:
    """Whether the text is `*`, a scheme, or scheme, host with at most one `*`, and port."""
    if origin in {"*", "http", "https"}:
        return True
    match = _ORIGIN.match(origin)
    return match is not None and match["host"].count("*") <= 1


def _size_bytes(rule: Document) -> int:
    """The bytes of all its strings, which is what the service counts."""
    lists = (
        rule.get(name) or [] for name in ("allowedOrigins", "allowedOperations", "allowedHeaders", "exposeHeaders")
    )
    texts = [rule["corsRuleName"], *(text for items in lists for text in items)]
    return sum(len(text.encode("utf-8")) for text in texts)


def s3_rules(rules: Sequence[Document]) -> list[Document]:
    """The rules as far as they are for operations of S3, which is all that S3 shows of them."""
    return _only(rules, S3_OPERATIONS)


def rules_for_s3(rules: Sequence[Document]) -> list[S3Rule]:
    """The rules for operations of S3 in its words. An id is the one that S3 gave, or else the name that the native protocol did."""
    return [
        S3Rule(
            words["id"],
            rule["allowedOrigins"],
            [S3_METHODS[operation] for operation in rule["allowedOperations"]],
            rule.get("allowedHeaders") or [],
            rule.get("exposeHeaders") or [],
            rule["maxAgeSeconds"] if words["maxAge"] else None,
        )
        for rule in s3_rules(rules)
        for words in (rule.get(S3_WORDS, {"id": rule["corsRuleName"], "maxAge": True}),)
    ]


def document_of(rule: S3Rule) -> Document:
    """A rule of S3 as `with_s3_rules` takes it. Raises `InvalidRequest` for a method or an id that no rule can have."""
    for method in rule.methods:
        if method not in OPERATION_OF_METHOD:
            raise InvalidRequest(f"Found unsupported HTTP method in CORS config. Unsupported method is {method}")
    if len(rule.rule_id or "") > limits.CORS_ID_MAX_LENGTH:
        raise InvalidRequest(f"The ID of a CORS rule has at most {limits.CORS_ID_MAX_LENGTH} characters.")
    return {
        S3_WORDS: {"id": rule.rule_id, "maxAge": rule.max_age_s is not None},
        "allowedOrigins": rule.origins,
        "allowedOperations": [OPERATION_OF_METHOD[method] for method in rule.methods],
        "allowedHeaders": rule.allowed_headers,
        "exposeHeaders": rule.expose_headers,
        "maxAgeSeconds": rule.max_age_s or 0,
    }


def with_s3_rules(rules: Sequence[Document], of_s3: Sequence[Document]) -> list[Document]:
    """The rules, of which those for operations of S3 are replaced by `of_s3`. Those for native operations stay.

    No operation has rules of both kinds, so it makes no difference which come first. A rule of S3 has no name but, under
    `S3_WORDS`, an `id`: that becomes its name where it can be one, and else a name is made up. Raises `InvalidRequest`.
    """
    native = [
        {member: value for member, value in rule.items() if member != S3_WORDS}
        for rule in _only(rules, OPERATIONS - S3_OPERATIONS)
    ]
    ids = [rule[S3_WORDS]["id"] for rule in of_s3 if rule[S3_WORDS]["id"] is not None]
    if len(set(ids)) < len(ids):
        raise InvalidRequest("Two CORS rules have the same ID")
    taken = {rule["corsRuleName"] for rule in native}
    usable = {one for one in ids if _is_name(one) and one not in taken}
    made_up = (name for number in itertools.count(1) if (name := f"s3-rule-{number}") not in taken | usable)
    named = [
        {"corsRuleName": rule[S3_WORDS]["id"] if rule[S3_WORDS]["id"] in usable else next(made_up), **rule}
        for rule in of_s3
    ]
    merged = [*native, *named]
    check_rules(merged)
    return merged


def _only(rules: Sequence[Document], operations: frozenset[str]) -> list[Document]:
    """What is left of the rules without other operations than these."""
    left = (
        {**rule, "allowedOperations": [one for one in rule["allowedOperations"] if one in operations]} for rule in rules
    )
    return [rule for rule in left if rule["allowedOperations"]]


def native_rules(rules: Sequence[Document]) -> list[Document]:
    """The rules as the native protocol knows them."""
    return [{member: value for member, value in rule.items() if member != S3_WORDS} for rule in rules]
