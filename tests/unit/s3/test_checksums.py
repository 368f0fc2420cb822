from __future__ import annotations

import base64
import hashlib
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.s3_requests import request
from undercroft.s3 import checksums
from undercroft.s3.errors import S3Error

CRCS = ["crc32", "crc32c", "crc64nvme"]
PARTS = [b"a" * (5 * 1024 * 1024), b"bbb"]  # The example of the reference's sections 2.14 and 2.15.


@pytest.mark.parametrize(
    ("algorithm", "hello", "digits", "empty"),
    [
        ("crc32", "DUoRhQ==", "y/Q5Jg==", "AAAAAA=="),
        ("crc32c", "yZRlqg==", "4waSgw==", "AAAAAA=="),
        ("crc64nvme", "jSnVw/bqjr4=", "rosUhgp5mIg=", "AAAAAAAAAAA="),
        ("sha1", "Kq5sNclPz7QV2+lfQIuc6R7oRu0=", None, None),
        ("sha256", "uU0nuZNNPgilLlLX2n2r+sSE7+N6U4DukIj3rOLvzek=", None, None),
        ("md5", "XrY7u+Ae7tCTyyK7j1rNww==", None, None),
    ],
)
def test_known_values(algorithm, hello, digits, empty):
    assert checksums.to_text(checksums.digest(algorithm, b"hello world")) == hello
    if digits is not None:
        assert checksums.to_text(checksums.digest(algorithm, b"123456789")) == digits
        assert checksums.to_text(checksums.digest(algorithm, b"")) == empty


@given(st.binary())
def test_crc32_is_that_of_zlib(data):
    assert checksums.digest("crc32", data) == zlib.crc32(data).to_bytes(4, "big")


@given(st.sampled_from(list(checksums.SIZES)), st.binary())
def test_text_and_back(algorithm, data):
    digest = checksums.digest(algorithm, data)
    assert len(digest) == checksums.SIZES[algorithm]
    assert checksums.from_text(algorithm, checksums.to_text(digest)) == digest


@pytest.mark.parametrize("text", ["", "bad", "DUoRhQ", "DUoRhQ===", "DUoR hQ==", "DUoRhQ==\n", "ü", "DUoRhQ==AA=="])
def test_text_that_is_not_strict_base64_is_refused(text):
    with pytest.raises(S3Error, match="InvalidRequest"):
        checksums.from_text("crc32", text)


@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("algorithm", checksums.SIZES)
def test_text_of_another_length_is_refused(algorithm, change):
    text = base64.b64encode(b"x" * (checksums.SIZES[algorithm] + change)).decode()
    with pytest.raises(S3Error, match="InvalidRequest"):
        checksums.from_text(algorithm, text)


@pytest.mark.parametrize(
    ("name", "algorithm"), [("CRC32", "crc32"), (" crc64nvme ", "crc64nvme"), ("", None), (None, None)]
)
def test_names_of_algorithms_have_any_case(name, algorithm):
    assert checksums.parse_algorithm(name) == algorithm


@pytest.mark.parametrize("name", ["CRC16", "MD5", "SHA512", "XXHASH64", "XXHASH3", "XXHASH128"])
def test_unknown_and_unsupported_algorithms_are_refused(name):
    with pytest.raises(S3Error, match="InvalidRequest"):
        checksums.parse_algorithm(name)
    with pytest.raises(S3Error, match="InvalidRequest"):
        checksums.declared(request("PUT", "/b/k", [(b"x-amz-checksum-" + name.lower().encode(), b"AAAA")]))


def test_the_checksum_header_declares_a_digest():
    made = request("PUT", "/b/k", [(b"x-amz-checksum-crc32", b" DUoRhQ== "), (b"x-amz-checksum-type", b"FULL_OBJECT")])
    assert checksums.declared(made) == ("crc32", bytes.fromhex("0d4a1185"))


@pytest.mark.parametrize("suffix", [b"type", b"algorithm", b"mode"])
def test_headers_about_checksums_are_no_checksums(suffix):
    assert checksums.declared(request("PUT", "/b/k", [(b"x-amz-checksum-" + suffix, b"ENABLED")])) is None


def test_two_checksum_headers_are_refused():
    made = request("PUT", "/b/k", [(b"x-amz-checksum-crc32", b"DUoRhQ=="), (b"x-amz-checksum-crc32c", b"yZRlqg==")])
    with pytest.raises(S3Error) as caught:
        checksums.declared(made)
    assert (caught.value.code, caught.value.message) == (
        "InvalidRequest",
        "Expecting a single x-amz-checksum- header",
    )


def test_the_header_of_an_algorithm():
    assert checksums.header_name("crc64nvme") == b"x-amz-checksum-crc64nvme"


@pytest.mark.parametrize(
    ("algorithm", "composite", "whole"),
    [
        ("crc32", "k5yxow==-2", "ZQQbhw=="),
        ("crc32c", "Ka05Xg==-2", "C4opTQ=="),
        ("crc64nvme", None, "CxcEn00EQkg="),
        ("sha256", "gDrP5FwCfWjU1qVqWfAgL+dUtgwH0Gl3tgBARzkxMWI=-2", None),
    ],
)
def test_known_values_of_a_multipart_upload(algorithm, composite, whole):
    digests = [checksums.digest(algorithm, part) for part in PARTS]
    if composite is not None:
        assert checksums.composite(algorithm, digests) == composite
    if whole is not None:
        lengths = [len(part) for part in PARTS]
        assert checksums.to_text(checksums.of_whole(algorithm, zip(digests, lengths, strict=True))) == whole


def test_a_composite_checksum_is_the_digest_of_the_digests():
    digests = [hashlib.sha1(part).digest() for part in PARTS]
    expected = base64.b64encode(hashlib.sha1(b"".join(digests)).digest()).decode() + "-2"
    assert checksums.composite("sha1", digests) == expected


@given(st.sampled_from(CRCS), st.lists(st.binary(max_size=200), max_size=8))
def test_the_crc_of_the_whole_follows_from_those_of_its_parts(algorithm, parts):
    of_parts = [(checksums.digest(algorithm, part), len(part)) for part in parts]
    assert checksums.of_whole(algorithm, of_parts) == checksums.digest(algorithm, b"".join(parts))


@pytest.mark.parametrize("algorithm", CRCS)
def test_parts_of_five_gigabytes_combine(algorithm):
    # No such data is made here: combining from the left or from the right must agree at lengths beyond 32 bits.
    digest = checksums.digest(algorithm, b"part")
    length = 5 * 1024**3
    whole = checksums.of_whole(algorithm, [(digest, length), (digest, length), (digest, length)])
    tail = checksums.of_whole(algorithm, [(digest, length), (digest, length)])
    assert checksums.of_whole(algorithm, [(digest, length), (tail, 2 * length)]) == whole
