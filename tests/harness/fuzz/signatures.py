"""Targets: Signature Version 4 in the header and in the query, and its canonical forms.

The oracle of the first two knows which requests were signed: whatever is accepted must mean what one of them meant, octet by
octet of path, query and signed headers, and the query that the face goes on with must be the one that was signed. The third holds the canonical forms against `urllib`, and the fourth lets Amazon's own
signer sign arbitrary requests, every one of which must be accepted.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlencode, urlsplit

from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from harness.fuzz.campaign import Target
from harness.fuzz.dialects import METHODS, Wish, finished, s3_refusal, wish
from harness.fuzz.mutator import INPUT_MAX_BYTES
from harness.s3_requests import HOST, KEY_ID, SECRET, Keys, application_key
from undercroft import limits
from undercroft.http.errors import HTTPInputError
from undercroft.http.request import Request
from undercroft.s3 import authenticate, presign, sigv4, timestamp
from undercroft.s3.errors import S3Error

STAMP = "20261122T180000Z"
NOW_MS = timestamp.parse_timestamp(STAMP.encode())
KEYS = Keys(application_key())
_SIGNATURE = re.compile(rb"Signature=([0-9a-f]{64})")
Meaning = tuple[Any, ...]


class _AtStamp:
    """Signs as of `STAMP`, so that inputs can be replayed on any day."""

    def _modify_request_before_signing(self, request: AWSRequest) -> None:
        request.context["timestamp"] = STAMP
        super()._modify_request_before_signing(request)  # type: ignore[misc]


class _HeaderSigner(_AtStamp, S3SigV4Auth):
    payload_hash = "UNSIGNED-PAYLOAD"

    def payload(self, request: AWSRequest) -> str:
        return self.payload_hash


class _QuerySigner(_AtStamp, S3SigV4QueryAuth):
    pass


def signed(
    method: str, target: str, headers: dict[str, str] | None = None, payload_hash: str = "UNSIGNED-PAYLOAD"
) -> bytes:
    """A request signed in its header."""
    signing = AWSRequest(method, f"http://{HOST}{target}", headers=headers or {})
    signer = _HeaderSigner(Credentials(KEY_ID, SECRET), "s3", "us-west-000")
    signer.payload_hash = payload_hash
    signer.add_auth(signing)
    return wish(method, target, {"host": HOST, **{name.lower(): value for name, value in signing.headers.items()}})


def presigned(method: str, target: str, headers: dict[str, str] | None = None) -> bytes:
    """A request signed in its query."""
    signing = AWSRequest(method, f"http://{HOST}{target}", headers=headers or {})
    _QuerySigner(Credentials(KEY_ID, SECRET), "s3", "us-west-000", expires=3600).add_auth(signing)
    url = urlsplit(signing.url)
    return wish(method, f"{url.path}?{url.query}", {"host": HOST, **(headers or {})})


def _signed_names(request: Request) -> list[bytes]:
    found = re.search(rb"SignedHeaders=([^,&]*)", request.header_map.get(b"authorization", b"") or request.raw_query)
    return [] if found is None else unquote_to_bytes(found[1]).split(b";")


def _pairs(request: Request, *, plus_is_space: bool = False) -> list[tuple[bytes, bytes]]:
    """The query's names and values."""
    query = request.raw_query.replace(b"+", b" ") if plus_is_space else request.raw_query
    items = [item.partition(b"=") for item in query.split(b"&") if item]
    return [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in items]


def _parameters(request: Request, *, presigned: bool) -> dict[str, str]:
    """The query as the face is to go on with it: where it is signed in the query, nothing of that."""
    texts = {name.decode(): value.decode() for name, value in _pairs(request)}
    return {name: value for name, value in texts.items() if not (presigned and name.lower().startswith("x-amz-"))}


def _meaning(request: Request, names: list[bytes], *, plus_is_space: bool = False) -> Meaning:
    """What a signature must not let anybody change: all that is signed, without its spelling."""
    pairs = _pairs(request, plus_is_space=plus_is_space)
    # Go's clients sign a Content-Length of 0 and do not send it.
    sent = {b"content-length": b"0", **request.header_map}
    headers = {name: b" ".join(sent.get(name, b"").split()).replace(b", ", b",") for name in names}
    return (
        request.method,
        unquote_to_bytes(request.raw_path),
        sorted(pair for pair in pairs if pair[0] != b"X-Amz-Signature"),
        headers,
    )


class Integrity:
    """Judges requests against those that were really signed, in whose queries no `+` and no name twice is."""

    def __init__(self, corpus: tuple[bytes, ...]) -> None:
        self._genuine: dict[bytes, tuple[Request, list[bytes]]] = {}
        for data in corpus:
            request = Wish(data).request()
            assert b"+" not in request.raw_query
            self._genuine[self._signature(request)] = request, _signed_names(request)

    @staticmethod
    def _signature(request: Request) -> bytes:
        text = request.header_map.get(b"authorization", b"") or unquote_to_bytes(request.raw_query)
        found = _SIGNATURE.search(text)
        return b"" if found is None else found[1]

    def check(self, data: bytes) -> str:
        """Refused with a code, nobody's, or accepted and meaning the same."""
        text = Wish(data)
        request = text.request()
        try:
            said = finished(authenticate.authenticate(request, KEYS, NOW_MS))
        except (S3Error, HTTPInputError) as error:
            return s3_refusal(error)
        if not said.signed:
            return "nobody"
        sent = text.request()
        original, names = self._genuine[self._signature(sent)]
        # A `+` is sent for a space by some clients and for itself by others; what was signed has none.
        assert _meaning(original, names) in [_meaning(sent, names, plus_is_space=plus) for plus in (False, True)]
        assert said.query == _parameters(original, presigned=said.presigned)
        unsigned = [name for name, _ in sent.headers if name.startswith(b"x-amz-") and name not in names]
        assert not unsigned
        for _, value in request.headers:
            assert not re.search(rb"[\x00-\x08\x0a-\x1f\x7f]", value)
        return "signed"


def check_canonical(data: bytes) -> str:
    """Path and query against the plain words of the specification."""
    path, _, query = data[: limits.URL_MAX_BYTES].partition(b"?")
    if len(data) > 1024:  # The oracle takes its time; here ours is timed.
        return "long" if sigv4.canonical_path(path) and sigv4.canonical_query(query, plus_is_space=True) else "empty"
    expected_path = quote(unquote_to_bytes(path), safe="/-._~").encode()
    assert sigv4.canonical_path(path) == expected_path
    assert sigv4.canonical_path(expected_path) == expected_path
    for plus_is_space in (False, True):
        raw = query.replace(b"+", b" ") if plus_is_space else query
        pairs = sorted(
            tuple(quote(unquote_to_bytes(text), safe="-._~").encode() for text in item.partition(b"=")[::2])
            for item in raw.split(b"&")
            if item
        )
        expected = b"&".join(name + b"=" + value for name, value in pairs)
        assert sigv4.canonical_query(query, plus_is_space=plus_is_space) == expected
        assert sigv4.canonical_query(expected) == expected
    return "query" if query else "path"


def check_botocore(data: bytes) -> str:
    """A request of arbitrary text, signed by Amazon's signer in header or query, is accepted."""
    text = data[:INPUT_MAX_BYTES].decode("utf-8", "replace")  # Amazon's signer takes its time.
    method = METHODS[len(data) % len(METHODS)].decode()
    path, _, rest = text.partition("?")
    query, *lines = rest.split("\n")
    pairs = [item.partition("=")[::2] for item in query.split("&") if item]
    target = "/" + quote(path, safe="/~") + ("?" + urlencode(pairs, quote_via=quote, safe="-_.~") if pairs else "")
    headers = {f"x-amz-meta-{number}": re.sub(r"[^ -~]", "", line) for number, line in enumerate(lines[:8]) if line}
    if len(target) > limits.URL_MAX_BYTES // 2:
        return "too long"
    if any(name.startswith("X-Amz-") or name == "AWSAccessKeyId" for name, _ in pairs):
        return "reserved"
    make = presigned if len(data) % 3 == 0 else signed
    request = Wish(make(method, target, headers)).request()
    assert finished(authenticate.authenticate(request, KEYS, NOW_MS)).signed
    return make.__name__


EMPTY_SHA256 = sigv4.EMPTY_SHA256
_MODULES = (authenticate, presign, sigv4, timestamp)
_HEADER_CORPUS = (
    signed("GET", "/bucket/key"),
    signed("PUT", "/bucket/a%20b+c?uploadId=4_z1&partNumber=3", {"content-type": "text/plain; charset=utf-8"}, EMPTY_SHA256),
    signed("PUT", "/bucket/k", {"x-amz-decoded-content-length": "5"}, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
    signed("PUT", "/bucket/k", {"x-amz-trailer": "x-amz-checksum-crc32"}, "STREAMING-UNSIGNED-PAYLOAD-TRAILER"),
    signed("GET", "/bucket/?list-type=2&prefix=a%2Fb%20c%2Bd&delimiter=%2F&encoding-type=url"),
    signed("POST", "/bucket?delete", {"x-amz-meta-a": "two  spaces,and, commas", "content-md5": "1B2M2Y8AsgTpgAmY7PhCfg=="}),
    signed("HEAD", "/b%C3%BCcket/%E2%82%AC~%21", {"range": "bytes=0-1", "content-length": "0"}),
)  # fmt: skip
_QUERY_CORPUS = (
    presigned("GET", "/bucket/key"),
    presigned("PUT", "/bucket/a%20b?uploadId=4_z1&partNumber=3", {"content-type": "text/plain"}),
    presigned("GET", "/bucket/k?response-content-disposition=attachment%3B%20filename%3D%22a%20b%2Bc%22&versionId=4_z"),
    presigned("PUT", "/bucket/k?x-amz-acl=private&x-id=PutObject", {"x-amz-meta-a": "b"}),
)


def _with_plus(corpus: tuple[bytes, ...], encoded: bytes) -> tuple[bytes, ...]:
    """The requests in whose queries this is written as a plus."""
    halves = [data.partition(b"?") for data in corpus]
    return tuple(path + mark + rest.replace(encoded, b"+") for path, mark, rest in halves if encoded in rest)


_WORDS = (
    b"\n", b": ", b"AWS4-HMAC-SHA256", b"AWS4-HMAC-SHA256 ", b"Credential=", b"SignedHeaders=", b"Signature=", b",", b", ", b"/s3/aws4_request",
    b"/us-west-000/", b"/20261122/", b"20261122", STAMP.encode(), b"20261122T180001Z", b"19700101T000000Z", b"99991231T235959Z", b"host", b"host;",
    b";x-amz-date", b"x-amz-content-sha256", b"x-amz-content-sha256: UNSIGNED-PAYLOAD", b"UNSIGNED-PAYLOAD", b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    b"STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", b"STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", b"STREAMING-UNSIGNED-PAYLOAD-TRAILER", b"x-amz-date: ",
    b"authorization: ", b"\nx-amz-security-token: a", b"\nx-amz-meta-b: c", b"AWS ", b"AWS4-ECDSA-P256-SHA256 ", b"Basic ", KEY_ID.encode(),
    b"0123456789ab", b"X-Amz-Algorithm=AWS4-HMAC-SHA256", b"X-Amz-Credential=", b"X-Amz-Date=", b"X-Amz-Expires=", b"X-Amz-SignedHeaders=host",
    b"X-Amz-Signature=", b"X-Amz-Security-Token=", b"X-Amz-Content-Sha256=", b"AWSAccessKeyId=", b"&", b"&&", b"=", b"%2F", b"%20", b"+", b"?",
    b"\ndate: Sun, 22 Nov 2026 18:00:00 GMT", b"\ndate: Mon, 01 Jan 0001 00:00:00 +2359", b"\ndate: 31 Dec 9999 23:59:59 -2359", b"x-amz-meta-",
)  # fmt: skip
_PLAIN_WORDS = (
    b"%41", b"%2F", b"%2f", b"%%", b"%", b"+", b"%2B", b"&", b"=", b"&a=b", b"&b", b"?", b"a=%20", b"~", b"%7E", b"/", b"\n", b"*", b"'",
)  # fmt: skip
_PLAIN = (
    b"/a%20b/c~?a=b&c&d=%2F+x&A=&%61=1",
    b"/\xe2\x82\xac/%E2%82%AC?\xe2\x82\xac=%e2%82%ac",
    b"?x",
    b"/b/k?list-type=2&prefix=a b",
)

TARGETS = (
    Target(
        "sigv4-header", Integrity(_HEADER_CORPUS).check,
        (*_HEADER_CORPUS, *_with_plus(_HEADER_CORPUS, b"%20"), *_with_plus(_HEADER_CORPUS, b"%2B")), _WORDS, _MODULES,
        frozenset({"signed", "nobody", "SignatureDoesNotMatch", "AuthorizationHeaderMalformed", "InvalidAccessKeyId"}),
    ),
    Target(
        "sigv4-query", Integrity(_QUERY_CORPUS).check,
        (*_QUERY_CORPUS, *_with_plus(_QUERY_CORPUS, b"%20"), *_with_plus(_QUERY_CORPUS, b"%2B")), _WORDS, _MODULES,
        frozenset({"signed", "nobody", "SignatureDoesNotMatch", "AuthorizationQueryParametersError"}),
    ),
    Target("sigv4-canonical", check_canonical, _PLAIN, _PLAIN_WORDS, (sigv4,), frozenset({"path", "query"})),
    Target("sigv4-botocore", check_botocore, (*_PLAIN, b"a?b=c\nv  w\n x ", b"k?\nv, w"), _PLAIN_WORDS, _MODULES, frozenset({"signed", "presigned"})),
)  # fmt: skip
