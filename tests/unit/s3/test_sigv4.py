from __future__ import annotations

import hashlib
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.s3_requests import HOST, SECRET, request, sign_header
from undercroft.http.request import Request
from undercroft.s3.sigv4 import (
    EMPTY_SHA256,
    Claim,
    canonical_path,
    canonical_query,
    sign,
    signing_key,
    string_to_sign,
    verify,
)

# The published examples of the scheme all use these.
EXAMPLE_SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
STAMP = b"20130524T000000Z"
STREAMING_NAMES = b"x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length"


def claim(signed_headers, signature, *, payload_hash=EMPTY_SHA256, query=b"", region=b"us-east-1"):
    return Claim(
        "AKIAIOSFODNN7EXAMPLE",
        STAMP[:8],
        region,
        signed_headers,
        signature,
        STAMP,
        payload_hash.encode(),
        query,
    )


def example(method="GET", target="/", headers=(), host=b"examplebucket.s3.amazonaws.com"):
    made = request(method, target, headers)
    made.headers[0] = (b"host", host)
    return made


def signed_by(key_request: Request, signed_headers: bytes, canonical_request: bytes, **fields) -> Claim:
    """A claim whose signature covers exactly the canonical request given."""
    unsigned = claim(signed_headers, b"", **fields)
    key = signing_key(SECRET, unsigned.date, unsigned.region)
    signature = sign(key, string_to_sign(STAMP, unsigned.scope, canonical_request))
    return claim(signed_headers, signature, **fields)


def lines(*parts: bytes) -> bytes:
    return b"\n".join(parts)


def test_published_signing_key():
    key = signing_key(EXAMPLE_SECRET, b"20130524", b"us-east-1")
    assert key.hex() == "dbb893acc010964918f1fd433add87c70e8b0db6be30c1fbeafefa5ec6ba8378"


def test_published_get_with_range():
    headers = [(b"range", b"bytes=0-9"), (b"x-amz-content-sha256", EMPTY_SHA256.encode()), (b"x-amz-date", STAMP)]
    signature = b"f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
    names = b"host;range;x-amz-content-sha256;x-amz-date"
    genuine, _ = verify(claim(names, signature), example("GET", "/test.txt", headers), EXAMPLE_SECRET)
    assert genuine


def test_published_get_of_a_flag_parameter():
    headers = [(b"x-amz-content-sha256", EMPTY_SHA256.encode()), (b"x-amz-date", STAMP)]
    signature = b"fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"
    names = b"host;x-amz-content-sha256;x-amz-date"
    made = example("GET", "/?lifecycle", headers)
    genuine, _ = verify(claim(names, signature, query=made.raw_query), made, EXAMPLE_SECRET)
    assert genuine


def test_published_presigned_get():
    query = (
        b"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2F"
        b"aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
    )
    signature = b"aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    made = claim(b"host", signature, payload_hash="UNSIGNED-PAYLOAD", query=query)
    genuine, _ = verify(made, example("GET", "/test.txt"), EXAMPLE_SECRET)
    assert genuine


@pytest.mark.parametrize(
    ("names", "headers", "payload_hash", "signature"),
    [
        (
            b"content-encoding;content-length;host;" + STREAMING_NAMES + b";x-amz-storage-class",
            [(b"content-length", b"66824")],
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
            b"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
        ),
        (
            b"content-encoding;host;" + STREAMING_NAMES + b";x-amz-storage-class;x-amz-trailer",
            [(b"x-amz-trailer", b"x-amz-checksum-crc32c")],
            "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
            b"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
        ),
    ],
    ids=["signed chunks", "signed chunks and trailer"],
)
def test_published_seeds_of_chunked_uploads(names, headers, payload_hash, signature):
    sent = [
        (b"content-encoding", b"aws-chunked"),
        (b"x-amz-content-sha256", payload_hash.encode()),
        (b"x-amz-date", STAMP),
        (b"x-amz-decoded-content-length", b"66560"),
        (b"x-amz-storage-class", b"REDUCED_REDUNDANCY"),
        *headers,
    ]
    made = example("PUT", "/examplebucket/chunkObject.txt", sent, b"s3.amazonaws.com")
    genuine, reading = verify(claim(names, signature, payload_hash=payload_hash), made, EXAMPLE_SECRET)
    assert genuine
    assert reading.payload_hash == payload_hash.encode()


def test_signing_keys_differ_by_secret_date_and_region():
    keys = {
        signing_key("a", b"20250101", b"r"),
        signing_key("b", b"20250101", b"r"),
        signing_key("a", b"20250102", b"r"),
        signing_key("a", b"20250101", b"s"),
    }
    assert len(keys) == 4


@pytest.mark.parametrize(
    ("raw", "canonical"),
    [
        (b"", b""),
        (b"delete", b"delete="),
        (b"uploadId=u&partNumber=2", b"partNumber=2&uploadId=u"),
        (b"a=2&a=1", b"a=1&a=2"),
        (b"a-b=1&a=2", b"a=2&a-b=1"),  # Sorted by name, not by the text of `name=value`.
        (b"&a=b&&c&", b"a=b&c="),
        (b"prefix=a%20b", b"prefix=a%20b"),
        (b"prefix=a/b~%7e", b"prefix=a%2Fb~~"),
        (b"prefix=%c3%bc", b"prefix=%C3%BC"),
        (b"prefix=a+b", b"prefix=a%2Bb"),
        (b"a=b=c", b"a=b%3Dc"),
    ],
)
def test_canonical_query(raw, canonical):
    assert canonical_query(raw) == canonical


def test_plus_may_be_read_as_a_space():
    assert canonical_query(b"prefix=a+b%2B", plus_is_space=True) == b"prefix=a%20b%2B"


@given(st.binary(max_size=40))
def test_canonical_path_encodes_each_octet_once(raw):
    assert canonical_path(quote(raw).encode()) == quote(raw, safe="/-._~").encode()


def test_path_keeps_its_dots_and_double_slashes():
    assert canonical_path(b"//a/../b/./c") == b"//a/../b/./c"


@pytest.mark.parametrize("sent", [b"/b/it's(1)!*+=:@,;$&", b"/b/%61", b"/b/%c3%bc", "/b/ü".encode()])
def test_path_may_be_signed_as_sent_or_encoded(sent):
    made = request("GET", sent)
    for signed_path in (sent, canonical_path(sent)):
        text = lines(b"GET", signed_path, b"", b"host:" + HOST.encode() + b"\n", b"host", EMPTY_SHA256.encode())
        genuine, reading = verify(signed_by(made, b"host", text), made, SECRET)
        assert genuine
        assert reading.canonical_request == text


@pytest.mark.parametrize(
    ("sent", "signed"),
    [
        (b"  a   b  ", b"a b"),
        (b"a \t b", b"a \t b"),  # Runs of spaces alone are collapsed by most ...
        (b"a \t b", b"a b"),  # ... any white space by botocore ...
        (b"a   b", b"a   b"),  # ... and nothing by a few.
    ],
)
def test_header_values_may_be_signed_with_their_blanks_collapsed_or_not(sent, signed):
    made = request("GET", "/", [(b"x-amz-meta-a", sent)])
    block = b"host:" + HOST.encode() + b"\nx-amz-meta-a:" + signed + b"\n"
    text = lines(b"GET", b"/", b"", block, b"host;x-amz-meta-a", EMPTY_SHA256.encode())
    assert verify(signed_by(made, b"host;x-amz-meta-a", text), made, SECRET)[0]


def test_repeated_headers_are_joined_with_a_comma():
    made = request("GET", "/", [(b"x-amz-meta-a", b"1 "), (b"x-amz-meta-a", b" 2")])
    block = b"host:" + HOST.encode() + b"\nx-amz-meta-a:1,2\n"
    text = lines(b"GET", b"/", b"", block, b"host;x-amz-meta-a", EMPTY_SHA256.encode())
    assert verify(signed_by(made, b"host;x-amz-meta-a", text), made, SECRET)[0]


@pytest.mark.parametrize(("name", "value"), [(b"te", b""), (b"content-length", b""), (b"content-length", b"0")])
def test_a_signed_header_that_is_absent_counts_as_empty_and_a_length_as_zero_too(name, value):
    made = request("GET", "/")
    block = name + b":" + value + b"\nhost:" + HOST.encode() + b"\n"
    text = lines(b"GET", b"/", b"", block, name + b";host", EMPTY_SHA256.encode())
    assert verify(signed_by(made, name + b";host", text), made, SECRET)[0]


@pytest.mark.parametrize("payload_hash", ["UNSIGNED-PAYLOAD", EMPTY_SHA256])
def test_without_a_payload_hash_the_body_counts_as_unsigned_or_empty_as_signed(payload_hash):
    made = request("GET", "/")
    text = lines(b"GET", b"/", b"", b"host:" + HOST.encode() + b"\n", b"host", payload_hash.encode())
    genuine, reading = verify(signed_by(made, b"host", text, payload_hash=""), made, SECRET)
    assert genuine
    assert reading.payload_hash == payload_hash.encode()


@pytest.mark.parametrize(("signed", "plus_is_space"), [(b"prefix=a%2Bb", False), (b"prefix=a%20b", True)])
def test_a_plus_in_the_query_is_read_as_it_was_signed(signed, plus_is_space):
    made = request("GET", "/b?prefix=a+b")
    text = lines(b"GET", b"/b", signed, b"host:" + HOST.encode() + b"\n", b"host", EMPTY_SHA256.encode())
    genuine, reading = verify(signed_by(made, b"host", text, query=made.raw_query), made, SECRET)
    assert genuine
    assert reading.plus_is_space is plus_is_space


def test_a_wrong_signature_is_explained_with_the_ordinary_reading():
    made = request("GET", "/b/it's?x=a+b", [(b"x-amz-meta-a", b"1  2")])
    genuine, reading = verify(claim(b"host;x-amz-meta-a", b"0" * 64, query=made.raw_query), made, SECRET)
    assert not genuine
    block = b"host:" + HOST.encode() + b"\nx-amz-meta-a:1 2\n"
    expected = lines(b"GET", b"/b/it's", b"x=a%2Bb", block, b"host;x-amz-meta-a", EMPTY_SHA256.encode())
    assert reading.canonical_request == expected


def claim_of(headers: list[tuple[bytes, bytes]], made: Request) -> Claim:
    """The claim in an Authorization header, read the slow and obvious way."""
    sent = dict(headers)
    fields = dict(item.strip().split(b"=", 1) for item in sent[b"authorization"].split(b" ", 1)[1].split(b","))
    key_id, date, region, _, _ = fields[b"Credential"].split(b"/")
    return Claim(
        key_id.decode(),
        date,
        region,
        fields[b"SignedHeaders"],
        fields[b"Signature"],
        sent[b"x-amz-date"],
        sent[b"x-amz-content-sha256"],
        made.raw_query,
    )


header_names = st.from_regex(r"x-amz-meta-[a-z0-9]{1,8}", fullmatch=True)
header_values = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=20)
query_items = st.tuples(st.text(min_size=1, max_size=8), st.text(max_size=12))


@given(
    method=st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD"]),
    key=st.text(st.characters(blacklist_categories=["Cs"]), max_size=20),
    query=st.lists(query_items, max_size=4),
    headers=st.dictionaries(header_names, header_values, max_size=4),
    body=st.binary(max_size=20),
    flip=st.integers(0, 63),
)
def test_what_botocore_signs_verifies_and_a_changed_signature_does_not(*, method, key, query, headers, body, flip):
    target = "/bucket/" + quote(key, safe="/~")
    if query:
        quoted = [(quote(name, safe="-_.~"), quote(value, safe="-_.~")) for name, value in query]
        target += "?" + "&".join(f"{name}={value}" for name, value in quoted)
    signed, _ = sign_header(method, target, headers, body=body)
    made = request(method, target, signed)
    good = claim_of(signed, made)
    assert good.payload_hash == hashlib.sha256(body).hexdigest().encode()
    assert verify(good, made, SECRET)[0]
    assert not verify(good, made, SECRET + "x")[0]
    digit = b"1" if good.signature[flip : flip + 1] == b"0" else b"0"
    bad = good.signature[:flip] + digit + good.signature[flip + 1 :]
    fields = {name: getattr(good, name) for name in good.__struct_fields__}
    assert not verify(Claim(**{**fields, "signature": bad}), made, SECRET)[0]
