"""CORS: what a browser lets pages of other origins do with a bucket, by the bucket's rules.

A rule is one of the documents that a bucket keeps. `Policies` makes them ready for matching once, so that a preflight, which
anybody may send, costs a few comparisons a rule; nothing here runs for a request without an Origin header. The rules say
nothing about rights: they only tell a browser which answers to show, and to send what would not be sent otherwise.

An origin of a rule is `*`, a scheme, or scheme, host and port, with at most one `*` in the host. The star stands for any
letters of the host but for no port, so `https://*` is every host at its ordinary port and `https` every host at any.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from undercroft import limits
from undercroft.http.request import Request
from undercroft.http.response import Headers

PREFLIGHT = "preflight"  # What metrics count a preflight as.
VARY = (b"vary", b"Origin, Access-Control-Request-Method, Access-Control-Request-Headers")
NO_HEADERS: Headers = []

_ORIGIN = re.compile(r"(https?)://([a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9a-z-]+")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


class Preflight(NamedTuple):
    """What a browser asks for before it sends the request itself.

    `headers` are names in lower case, or None where they are more than any request has, or none that a request could have.
    """

    origin: bytes
    method: str
    headers: tuple[str, ...] | None


def preflight_of(request: Request) -> Preflight | None:
    """The preflight that an OPTIONS request with an origin and a method is; None for another."""
    headers = request.header_map
    origin, method = headers.get(b"origin"), headers.get(b"access-control-request-method")
    if request.method != "OPTIONS" or origin is None or method is None:
        return None
    asked = headers.get(b"access-control-request-headers", b"").decode("latin-1").lower().split(",")
    names = tuple(name for text in asked if (name := text.strip()))
    usable = len(names) <= limits.CORS_REQUEST_HEADERS_MAX and all(map(_HEADER.fullmatch, names))
    return Preflight(origin, method.decode("latin-1").strip(), names if usable else None)


class Rule:
    """One rule of a bucket, ready for matching."""

    __slots__ = (
        "_any_origin",
        "_header_prefixes",
        "_headers",
        "_origins",
        "_patterns",
        "_prefix_lengths",
        "exposed",
        "max_age",
        "operations",
    )

    def __init__(self, document: Mapping[str, Any]) -> None:
        origins = [origin.lower() for origin in document["allowedOrigins"]]
        headers = [name.lower() for name in document.get("allowedHeaders") or ()]
        self.operations: Sequence[str] = document["allowedOperations"]
        self.exposed = ", ".join(document.get("exposeHeaders") or ()).encode("ascii")
        self.max_age = b"%d" % document["maxAgeSeconds"]
        self._any_origin = "*" in origins
        self._origins = frozenset(_at_ordinary_port(origin) for origin in origins if "*" not in origin)
        self._patterns = [
            tuple(_at_ordinary_port(origin).split("*")) for origin in origins if len(origin) > 1 and "*" in origin
        ]
        self._headers = frozenset(name for name in headers if not name.endswith("*"))
        self._header_prefixes = frozenset(name[:-1] for name in headers if name.endswith("*"))
        self._prefix_lengths = {len(prefix) for prefix in self._header_prefixes}

    def allowed_origin(self, origin: bytes) -> bytes | None:
        """The value of Access-Control-Allow-Origin for a page of this origin; None where the rule is not for it."""
        if self._any_origin:
            return b"*"
        text = origin.decode("latin-1").strip().lower()
        match = _ORIGIN.fullmatch(text)
        if match is None:
            return None  # An opaque origin, `null`, or one that is no web page's.
        text = _at_ordinary_port(text)
        if match[1] in self._origins or text in self._origins:
            return origin.strip()
        for before, after in self._patterns:
            starred = text[len(before) : len(text) - len(after)]
            if text == before + starred + after and ":" not in starred:
                return origin.strip()
        return None

    def allows_headers(self, names: Collection[str]) -> bool:
        """Whether a request may have every one of these headers, whose names are in lower case."""
        exact, prefixes = self._headers, self._header_prefixes
        return all(name in exact or any(name[:n] in prefixes for n in self._prefix_lengths) for name in names)


def _at_ordinary_port(origin: str) -> str:
    """The origin without its port where that is the scheme's own, which browsers leave away."""
    scheme, _, rest = origin.partition("://")
    port = _DEFAULT_PORTS.get(scheme)
    return origin.removesuffix(f":{port}") if rest and port else origin


class Grant(NamedTuple):
    """What the rule that matched allows. `origin` is the value of Access-Control-Allow-Origin."""

    rule: Rule
    origin: bytes
    headers: tuple[str, ...] = ()

    def answer_headers(self) -> Headers:
        """What the answer to the request itself says."""
        headers = [(b"access-control-allow-origin", self.origin), VARY]
        if self.rule.exposed:
            headers.append((b"access-control-expose-headers", self.rule.exposed))
        return headers

    def preflight_headers(self, methods: str) -> Headers:
        """What the answer to a preflight says. `methods` are those of HTTP that the rule allows at this URL."""
        headers = self.answer_headers()
        headers.append((b"access-control-allow-methods", methods.encode("ascii")))
        if self.headers:
            headers.append((b"access-control-allow-headers", ", ".join(self.headers).encode("ascii")))
        headers.append((b"access-control-max-age", self.rule.max_age))
        return headers


class Policy:
    """The rules of one bucket, in their order."""

    __slots__ = ("_rules", "documents")

    def __init__(self, documents: Sequence[Mapping[str, Any]]) -> None:
        self.documents = documents
        self._rules: dict[str, list[Rule]] = {}  # By operation.
        for rule in map(Rule, documents):
            for operation in dict.fromkeys(rule.operations):
                self._rules.setdefault(operation, []).append(rule)

    def covers(self, operations: Collection[str]) -> bool:
        """Whether any rule is for one of these operations."""
        return not self._rules.keys().isdisjoint(operations)

    def grant(self, origin: bytes, operation: str, headers: tuple[str, ...] | None = ()) -> Grant | None:
        """What the first rule for this operation, origin and every one of these headers allows. None where there is none."""
        if headers is None:
            return None
        for rule in self._rules.get(operation, ()):
            allowed = rule.allowed_origin(origin)
            if allowed is not None and rule.allows_headers(headers):
                return Grant(rule, allowed, headers)
        return None

    def refusal_headers(self) -> Headers:
        """What an answer says that no rule allows: where there are rules, a page of another origin may be told more."""
        return [VARY] if self._rules else NO_HEADERS


class Policies:
    """The rules of the buckets that were asked about lately. One instance a face."""

    def __init__(self) -> None:
        self._policies: dict[str, Policy] = {}

    def of(self, bucket_id: str, documents: Sequence[Mapping[str, Any]]) -> Policy:
        """The rules of a bucket, which `documents` are now."""
        policy = self._policies.get(bucket_id)
        # The store remembers a bucket as one object until it changes, so the same list has the same rules.
        if policy is None or policy.documents is not documents:
            if len(self._policies) >= limits.CORS_POLICIES_REMEMBERED:
                self._policies.clear()
            policy = self._policies[bucket_id] = Policy(documents)
        return policy
