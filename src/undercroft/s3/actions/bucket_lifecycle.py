"""GetBucketLifecycleConfiguration, PutBucketLifecycleConfiguration, DeleteBucketLifecycle (reference, 1.12).

The bucket's rules are those of the B2 Native API, one a prefix. S3's rules of one prefix become one of them, and what such a
rule cannot say is refused. It has no id, so that S3 is shown one made of its prefix.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from lxml import etree

from undercroft import limits
from undercroft.http.response import Response
from undercroft.http.xml_in import children, parse_document
from undercroft.http.xml_out import element
from undercroft.s3.answers import bare_answer, xml_answer
from undercroft.s3.call import Call
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.xml_in import boolean, fields, positive
from undercroft.store.buckets.lifecycle_rules import CANCEL, DELETE, HIDE, PREFIX
from undercroft.store.errors import InvalidRequest
from undercroft.store.model import Document
from undercroft.store.operations import Operation

_ROOT = "LifecycleConfiguration"
_ID_MAX_LENGTH = 255
_MARKERS = "ExpiredObjectDeleteMarker"
# The actions that a rule can have, each with the element of its days, and the native rule's word for it.
_ACTIONS = {
    "Expiration": ("Days", HIDE),
    "NoncurrentVersionExpiration": ("NoncurrentDays", DELETE),
    "AbortIncompleteMultipartUpload": ("DaysAfterInitiation", CANCEL),
}
_TRANSITIONS = frozenset({"Transition", "NoncurrentVersionTransition"})
_FILTERS = frozenset({"Prefix", "Tag", "ObjectSizeGreaterThan", "ObjectSizeLessThan", "And"})
_NOT_THERE = frozenset({"Date", "NewerNoncurrentVersions"})


async def get_bucket_lifecycle_configuration(call: Call) -> Response:
    """GET /bucket?lifecycle. Raises `NoSuchLifecycleConfiguration` where there are no rules."""
    bucket = await call.settings_of_bucket(Operation.READ_BUCKET_LIFECYCLE)
    if not bucket.lifecycle_rules:
        raise S3Error("NoSuchLifecycleConfiguration", extras={"BucketName": bucket.name})
    return xml_answer(_ROOT, rule_elements(bucket.lifecycle_rules))


async def put_bucket_lifecycle_configuration(call: Call) -> Response:
    """PUT /bucket?lifecycle: replace the rules."""
    rules = parse_rules(await call.document())
    bucket = await call.bucket()
    try:
        await call.store.buckets.set_lifecycle_rules(call.managing, bucket.bucket_id, rules)
    except InvalidRequest as error:
        raise S3Error("InvalidRequest", str(error)) from error
    return bare_answer(200)


async def delete_bucket_lifecycle(call: Call) -> Response:
    """DELETE /bucket?lifecycle: remove the rules, if there are any."""
    bucket = await call.bucket()
    await call.store.buckets.set_lifecycle_rules(call.managing, bucket.bucket_id, [])
    return bare_answer(204)


def rule_elements(rules: Sequence[Document]) -> str:
    """The rules as S3 shows them: one that hides is two, since every rule here removes markers that are left alone."""
    shown = []
    for rule in rules:
        rule_id = hashlib.sha256(rule[PREFIX].encode()).hexdigest()[:16]
        head = f"<Filter>{element('Prefix', rule[PREFIX])}</Filter><Status>Enabled</Status>"
        actions = (
            f"<{action}><{days}>{rule[word]}</{days}></{action}>"
            for action, (days, word) in _ACTIONS.items()
            if rule.get(word) is not None
        )
        shown.append(f"<Rule><ID>{rule_id}</ID>{head}{''.join(actions)}</Rule>")
        if rule.get(HIDE) is not None:
            markers = f"<Expiration><{_MARKERS}>true</{_MARKERS}></Expiration>"
            shown.append(f"<Rule><ID>{rule_id}-markers</ID>{head}{markers}</Rule>")
    return "".join(shown)


def parse_rules(body: bytes) -> list[Document]:
    """The native rules that the document asks for.

    Raises `MalformedXML`, `InvalidArgument`, and for what the rules here cannot say `NotImplemented` and `InvalidRequest`.
    """
    ids: set[str] = set()
    merged: dict[str, Document] = {}
    for _, rule in children(parse_document(body, _ROOT), {"Rule"}):
        found = dict(_once(rule, {"ID", "Status", "Filter", "Prefix", *_ACTIONS, *_TRANSITIONS}))
        rule_id = (found["ID"].text or "") if "ID" in found else ""
        if len(rule_id) > _ID_MAX_LENGTH or (rule_id and rule_id in ids):
            raise invalid_argument("ID", rule_id[:_ID_MAX_LENGTH], "The ID of a rule is too long, or another one's.")
        ids.add(rule_id)
        prefix = _prefix(found)
        _check_status((found["Status"].text or "").strip() if "Status" in found else "")
        native = merged.setdefault(prefix, {PREFIX: prefix})
        for word, days in _days(found).items():
            if word in native:
                raise S3Error("InvalidRequest", f"Two rules for the prefix {prefix[:100]!r} set {word}.")
            native[word] = days
    if not merged:
        raise S3Error("MalformedXML", "A lifecycle configuration has at least one rule.")
    for prefix, native in merged.items():
        if len(native) == 1:
            raise S3Error("InvalidRequest", f"The rules for {prefix[:100]!r} do not say what is to expire and when.")
    return list(merged.values())


def _once(parent: etree._Element, allowed: set[str]) -> list[tuple[str, etree._Element]]:
    """The children, each of which is there once. Raises `MalformedXML`, and `NotImplemented` for other storage classes."""
    found = list(children(parent, allowed))
    if any(name in _TRANSITIONS for name, _ in found):
        raise S3Error("NotImplemented", "There is one storage class, so that nothing is ever moved to another.")
    if len({name for name, _ in found}) < len(found):
        raise S3Error("MalformedXML", "An element of a rule is repeated.")
    return found


def _check_status(status: str) -> None:
    if status == "Disabled":
        raise S3Error("InvalidRequest", "A rule here is always in force: leave out one that is not to be.")
    if status != "Enabled":
        raise S3Error("MalformedXML", "The Status of a rule is Enabled or Disabled.")


def _prefix(found: dict[str, etree._Element]) -> str:
    """The prefix of a rule: of its filter, or in the old form its own."""
    if ("Filter" in found) == ("Prefix" in found):
        raise S3Error("MalformedXML", "A rule has either a Filter or a Prefix.")
    if "Prefix" in found:
        return found["Prefix"].text or ""
    parts = _once(found["Filter"], set(_FILTERS))
    if any(name != "Prefix" for name, _ in parts):
        raise S3Error("NotImplemented", "A rule is for the names that begin with a Prefix, and has no other filter.")
    return (parts[0][1].text or "") if parts else ""


def _days(found: dict[str, etree._Element]) -> Document:
    """What the rule's actions set in the native one."""
    native: Document = {}
    actions = [action for action in _ACTIONS if action in found]
    if not actions:
        raise S3Error("InvalidRequest", "A rule has at least one action.")
    for action in actions:
        tag, word = _ACTIONS[action]
        given = fields(found[action], {tag, *_NOT_THERE, *((_MARKERS,) if action == "Expiration" else ())})
        if not _NOT_THERE.isdisjoint(given):
            raise S3Error("NotImplemented", f"{action} has {tag} alone here.")
        if len(given) != 1:
            raise S3Error("MalformedXML", f"{action} says one thing.")
        if _MARKERS in given:
            boolean(given[_MARKERS])  # Markers with nothing under them go anyway.
        else:
            native[word] = positive(tag, given[tag], limits.LIFECYCLE_DAYS_MAX)
    return native
