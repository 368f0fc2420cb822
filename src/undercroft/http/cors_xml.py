"""CORS rules as S3's documents have them: `CORSConfiguration`, read and written for every face that takes or shows them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from lxml import etree

from undercroft import limits
from undercroft.http.errors import MalformedXML
from undercroft.http.xml_in import children, parse_document
from undercroft.http.xml_out import document, element

ROOT = "CORSConfiguration"
_LISTS = {"AllowedOrigin", "AllowedMethod", "AllowedHeader", "ExposeHeader"}
_SINGLES = {"ID", "MaxAgeSeconds"}


class XMLRule(NamedTuple):
    """A rule in S3's words. What is in it is judged by whoever stores it; `max_age_s` is None where the rule has none."""

    rule_id: str | None
    origins: list[str]
    methods: list[str]
    allowed_headers: list[str]
    expose_headers: list[str]
    max_age_s: int | None


def parse_rules(body: bytes) -> list[XMLRule]:
    """The rules of a document, at least one. Raises `MalformedXML`."""
    rules = [_rule(child) for _, child in children(parse_document(body, ROOT), {"CORSRule"})]
    if not rules:
        raise MalformedXML("A CORS configuration has at least one rule.")
    return rules


def rules_document(rules: Iterable[XMLRule]) -> bytes:
    """The document of these rules."""
    return document(ROOT, "".join(map(_element, rules)))


def _rule(rule: etree._Element) -> XMLRule:
    lists: dict[str, list[str]] = {name: [] for name in _LISTS}
    singles: dict[str, str] = {}
    for name, child in children(rule, _LISTS | _SINGLES):
        text = (child.text or "").strip()
        if len(child) or name in singles:
            raise MalformedXML(f"The element {name} is repeated or is not a plain text.")
        if name in _LISTS:
            lists[name].append(text)
        else:
            singles[name] = text
    if not lists["AllowedOrigin"] or not lists["AllowedMethod"]:
        raise MalformedXML("A CORS rule has at least one AllowedOrigin and one AllowedMethod.")
    return XMLRule(
        singles.get("ID") or None,
        lists["AllowedOrigin"],
        list(dict.fromkeys(lists["AllowedMethod"])),
        lists["AllowedHeader"],
        lists["ExposeHeader"],
        _seconds(singles["MaxAgeSeconds"]) if "MaxAgeSeconds" in singles else None,
    )


def _seconds(text: str) -> int:
    """The number; one that is too large for the store to take stays too large."""
    if not (text.isascii() and text.isdigit()):
        raise MalformedXML("MaxAgeSeconds must be a whole number of seconds.")
    return int(text) if len(text) < 10 else limits.CORS_MAX_AGE_S + 1


def _element(rule: XMLRule) -> str:
    content = [] if rule.rule_id is None else [element("ID", rule.rule_id)]
    content += [element("AllowedOrigin", origin) for origin in rule.origins]
    content += [element("AllowedMethod", method) for method in rule.methods]
    content += [element("AllowedHeader", name) for name in rule.allowed_headers]
    content += [element("ExposeHeader", name) for name in rule.expose_headers]
    if rule.max_age_s is not None:
        content.append(element("MaxAgeSeconds", str(rule.max_age_s)))
    return f"<CORSRule>{''.join(content)}</CORSRule>"
