"""From a request line to the S3 operation it means.

The choice is made by the facts table alone: among the operations of the request's method and scope, the one whose marks
(`?acl`, `?list-type=2`) and addressing parameters (`?uploadId`) are all there, the most particular first. What is left
over is never ignored where ignoring it could turn a request for one thing into a request for another: a sub-resource of
some other operation, or one nobody knows, is an error, so that `PUT /bucket/key?new-feature` cannot overwrite the
object. Parameters that merely accompany (`x-id=PutObject`, the `X-Amz-…` of a presigned URL) pass.
"""

from __future__ import annotations

from undercroft.http.request import percent_decode
from undercroft.s3.errors import S3Error, invalid_argument
from undercroft.s3.facts import FACTS, OperationFacts

SERVICE, BUCKET, OBJECT = "service", "bucket", "object"

COPY_SOURCE = "x-amz-copy-source"

# Parameters that say which thing an object request addresses: an operation that does not take one must not ignore it.
_ADDRESSING = ("uploadId", "partNumber", "versionId")

Target = tuple[str | None, str | None]


def split_target(raw_path: bytes, virtual_host_bucket: str | None) -> Target:
    """The bucket and key that a raw path addresses; None for the one that it does not.

    A virtual host has named the bucket already, and the whole path is the key. `/bucket` and `/bucket/` are the same;
    `/bucket//a` is the key `/a`. Raises `MalformedURL` for what is not percent-encoded UTF-8, and `InvalidBucketName`
    for a key without a bucket.
    """
    if virtual_host_bucket is not None:
        return virtual_host_bucket, percent_decode(raw_path[1:]) or None
    raw_bucket, _, raw_key = raw_path[1:].partition(b"/")
    if not raw_bucket:
        if raw_key.strip(b"/"):
            # Whoever forgets the bucket of a key must not be told of the buckets instead of an object.
            raise S3Error("InvalidBucketName", "The bucket name is empty.")
        return None, None
    return percent_decode(raw_bucket), percent_decode(raw_key) or None


class _Candidate:
    """An operation and what must be in the query (and whether a copy source) for a request to mean it."""

    __slots__ = ("copies", "facts", "flags", "names", "values")

    def __init__(self, facts: OperationFacts) -> None:
        self.facts = facts
        self.flags = {mark for mark in facts.marks if "=" not in mark}
        self.values = dict(mark.split("=") for mark in facts.marks if "=" in mark)
        self.names = self.flags | set(self.values) | {name for name in facts.required if name in facts.query}
        # Other required headers do not tell operations apart; their absence is the operation's to report.
        self.copies = COPY_SOURCE in facts.required

    @property
    def particularity(self) -> int:
        return len(self.names) + self.copies

    def fits(self, query: dict[str, str], copies: bool) -> bool:
        return (
            all(name in query for name in self.names)
            and all(query[name] == value for name, value in self.values.items())
            and (copies or not self.copies)
        )


def _candidates() -> dict[tuple[str, str], list[_Candidate]]:
    table: dict[tuple[str, str], list[_Candidate]] = {}
    for facts in FACTS.values():
        # GET / is ListBuckets; directory buckets, which share its form, do not exist here.
        if facts.name != "ListDirectoryBuckets":
            table.setdefault((facts.scope, facts.method), []).append(_Candidate(facts))
    for row in table.values():
        row.sort(key=lambda candidate: -candidate.particularity)
    return table


_CANDIDATES = _candidates()
_PLAIN: dict[tuple[str, str], OperationFacts] = {
    place: row[-1].facts for place, row in _CANDIDATES.items() if row[-1].particularity == 0
}
_MARKS: dict[tuple[str, str], frozenset[str]] = {
    place: frozenset().union(*(candidate.flags | set(candidate.values) for candidate in row))
    for place, row in _CANDIDATES.items()
}
_EVERY_MARK = frozenset().union(*_MARKS.values())
_PARAMETERS = frozenset().union(*(facts.query for facts in FACTS.values()), _ADDRESSING)


def find_operation(method: str, scope: str, query: dict[str, str], *, copies: bool = False) -> OperationFacts:
    """The operation of a request. `copies` tells whether it has a copy source.

    Raises `MethodNotAllowed` for a verb that the resource does not have, `InvalidRequest` and `InvalidArgument` for
    parameters that do not go together, and `NotImplemented` for a sub-resource that nobody knows.
    """
    place = (scope, method)
    if query:  # A presigned URL's signature says nothing about the operation.
        query = {name: value for name, value in query.items() if not name.startswith("X-Amz-")}
    if not query and not copies:
        plain = _PLAIN.get(place)
        if plain is None:
            raise _method_not_allowed(method, scope, None)
        return plain
    for candidate in _CANDIDATES.get(place, ()):
        if candidate.fits(query, copies):
            _refuse_leftovers(candidate, method, scope, query)
            return candidate.facts
    for name in query:
        if name in _EVERY_MARK:
            raise _misplaced(name, method, scope)
    raise _method_not_allowed(method, scope, None)


def _refuse_leftovers(candidate: _Candidate, method: str, scope: str, query: dict[str, str]) -> None:
    """Refuse what the request says beyond the operation found for it, where it could mean another one."""
    facts = candidate.facts
    for name, value in query.items():
        if name in candidate.names or name in facts.query:
            continue
        if name in _EVERY_MARK:
            raise _misplaced(name, method, scope)
        if name in _ADDRESSING and scope == OBJECT:
            raise invalid_argument(name, value, f"This operation does not accept the parameter {name}.")
        if not value and name not in _PARAMETERS and not name.lower().startswith("x-amz-"):
            raise S3Error("NotImplemented", f"The sub-resource {name} is not known.")


def _misplaced(name: str, method: str, scope: str) -> S3Error:
    """The error for a known sub-resource that this method, this scope or another sub-resource does not go with."""
    if name in _MARKS.get((scope, method), ()):
        return S3Error(
            "InvalidArgument",
            "The query parameters conflict, or one has an unknown value.",
            extras={"ArgumentName": name},
        )
    if any(name in _MARKS.get((other, method), ()) for other in (SERVICE, BUCKET, OBJECT)):
        return S3Error("InvalidRequest", f"The sub-resource {name} does not belong to the {scope} level.")
    return _method_not_allowed(method, scope, name)


def _method_not_allowed(method: str, scope: str, mark: str | None) -> S3Error:
    """The 405 with the methods that the resource has."""
    if mark is None:
        allowed = [other for place, other in _PLAIN if place == scope]
    else:
        allowed = [other for (place, other), marks in _MARKS.items() if place == scope and mark in marks]
    return S3Error(
        "MethodNotAllowed",
        extras={"Method": method, "ResourceType": (mark or scope).upper()},
        headers=[(b"allow", ", ".join(sorted(allowed)).encode("ascii"))],
    )
