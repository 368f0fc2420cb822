"""Missing integrity checks (CWE-353, CWE-354): aws-chunked bodies that were cut, swapped, stretched or mixed on the way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import zlib

import pytest

from harness.hostile import EMPTY_SHA256, converse

SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
PIECES = [b"a" * 8192, b"b" * 8192, b"c" * 100]
PAYLOAD = b"".join(PIECES)
PAYLOAD_BYTES = len(PAYLOAD)


@pytest.fixture(scope="module", autouse=True)
def nothing_changes(world):
    before = world.snapshot()
    yield
    assert world.snapshot() == before


@pytest.fixture
def target(world):
    return f"/{world.name}/in/file"


class Chunked:
    """An upload in signed chunks, whose parts a test may change before it is sent."""

    def __init__(self, client, target, *, length=PAYLOAD_BYTES, word=SIGNED, extra=None, pieces=PIECES):
        self._client = client
        self._target = target
        fields = {"x-amz-decoded-content-length": str(length), "Content-Encoding": "aws-chunked", **(extra or {})}
        self.headers = client.signer.headers("PUT", target, fields, payload_hash=word)
        self._stamp = self.headers["x-amz-date"]
        self.seed = self.headers["Authorization"].rpartition("=")[2]
        self.chunks = self.sign([*pieces, b""])

    def sign(self, pieces):
        """(data, signature) of each piece, chained."""
        signer, previous, chunks = self._client.signer, self.seed, []
        for piece in pieces:
            lines = ("AWS4-HMAC-SHA256-PAYLOAD", self._stamp, signer.scope(self._stamp), previous, EMPTY_SHA256)
            text = "\n".join([*lines, hashlib.sha256(piece).hexdigest()])
            previous = hmac.digest(signer.key(self._stamp), text.encode(), "sha256").hex()
            chunks.append((piece, previous))
        return chunks

    def trailer_signature(self, trailer: bytes) -> str:
        signer = self._client.signer
        lines = ("AWS4-HMAC-SHA256-TRAILER", self._stamp, signer.scope(self._stamp), self.chunks[-1][1])
        text = "\n".join([*lines, hashlib.sha256(trailer).hexdigest()])
        return hmac.digest(signer.key(self._stamp), text.encode(), "sha256").hex()

    def body(self, chunks=None, *, end=b"\r\n"):
        framed = [
            b"%x;chunk-signature=%b\r\n%b" % (len(data), signature.encode(), data + b"\r\n" if data else b"")
            for data, signature in (self.chunks if chunks is None else chunks)
        ]
        return b"".join(framed) + end

    def send(self, body):
        return self._client.send("PUT", self._target, self.headers, body)


def test_a_body_that_nobody_touched_is_stored(owner, make_bucket):
    name, _ = make_bucket()
    upload = Chunked(owner, f"/{name}/k")
    assert upload.send(upload.body()).status == 200
    assert owner.s3("GET", f"/{name}/k").body == PAYLOAD


def test_chunks_cut_off_swapped_repeated_or_left_out_are_refused(owner, target):
    upload = Chunked(owner, target)
    first, second, third, last = upload.chunks
    for chunks in (
        [first, second, third],
        [first, second],
        [first],
        [],
        [last],
        [second, first, third, last],
        [first, third, last],
        [second, third, last],
        [first, first, second, third, last],
        [first, second, third, last, last],
        [last, first, second, third],
        [first, last, second, third],
    ):
        assert upload.send(upload.body(chunks)).refusal in {
            (403, "SignatureDoesNotMatch"), (400, "IncompleteBody"), (400, "InvalidChunkSizeError"), (400, "MalformedTrailerError"),
        }  # fmt: skip


def test_chunks_joined_or_split_are_refused(owner, target):
    upload = Chunked(owner, target)
    first, second, third, last = upload.chunks
    joined = [(first[0] + second[0], second[1]), third, last]
    split = [(first[0][:4096], first[1]), (first[0][4096:], first[1]), second, third, last]
    for chunks in (joined, split):
        assert upload.send(upload.body(chunks)).refusal[1] in {"SignatureDoesNotMatch", "InvalidChunkSizeError"}


def test_a_changed_byte_or_signature_is_refused_in_every_chunk(owner, target):
    upload = Chunked(owner, target)
    for at, (data, signature) in enumerate(upload.chunks):
        changed = []
        if data:
            changed.append((b"X" + data[1:], signature))
        changed += [(data, other) for other in ("0" * 64, "", signature[:-1], signature.upper() + "0", upload.seed)]
        for chunk in changed:
            chunks = [*upload.chunks[:at], chunk, *upload.chunks[at + 1 :]]
            assert upload.send(upload.body(chunks)).refusal[1] in {"SignatureDoesNotMatch", "IncompleteBody"}


def test_chunks_of_another_request_or_key_are_refused(owner, stranger, world, target):
    other = Chunked(owner, f"/{world.name}/in/other")
    upload = Chunked(owner, target)
    assert upload.send(other.body()).refusal == (403, "SignatureDoesNotMatch")
    assert upload.send(Chunked(stranger, target).body()).refusal == (403, "SignatureDoesNotMatch")


@pytest.mark.parametrize("length", [0, 1, len(PAYLOAD) - 1, len(PAYLOAD) + 1, 10**18])
def test_a_length_that_lies_is_refused(owner, target, length):
    upload = Chunked(owner, target, length=length)
    assert upload.send(upload.body()).refusal[1] in {"IncompleteBody", "EntityTooLarge"}


@pytest.mark.parametrize("length", ["", "-1", "+5", "5.0", "0x10", "9" * 20, "²", "5,5", "NaN"])
def test_a_length_that_is_none_is_refused(owner, target, length):
    upload = Chunked(owner, target, extra={"x-amz-decoded-content-length": length})
    assert upload.send(upload.body()).refusal[0] in {400, 403, 411}


@pytest.mark.parametrize(
    "line",
    [
        b"", b"\r\n", b"2000\r\n", b"2000;\r\n", b"2000;chunk-signature=\r\n", b"2000;CHUNK-SIGNATURE=%b\r\n", b"-2000;chunk-signature=%b\r\n",
        b"0x2000;chunk-signature=%b\r\n", b" 2000;chunk-signature=%b\r\n", b"2000 ;chunk-signature=%b\r\n", b"2000;chunk-signature=%b\n",
        b"00000000000002000;chunk-signature=%b\r\n", b"FFFFFFFFFFFFFFFF;chunk-signature=%b\r\n", b"2000;x=y;chunk-signature=%b\r\n",
        b"2000;chunk-signature=%b;x=y\r\n", b"2000\0;chunk-signature=%b\r\n", b"2000;chunk-signature=%b" + b"x" * 2000 + b"\r\n",
        b"\xff\xff;chunk-signature=%b\r\n", b"2000;chunk-signature=%b\r\r\n",
    ],
)  # fmt: skip
def test_framing_that_is_none_is_refused(owner, target, line):
    upload = Chunked(owner, target)
    signature = upload.chunks[0][1].encode()
    body = upload.body()
    begin = body.index(b"\r\n") + 2
    answer = upload.send(line.replace(b"%b", signature) + body[begin:])
    assert answer.refusal[1] in {"IncompleteBody", "SignatureDoesNotMatch"}


def test_small_chunks_in_the_middle_are_refused(owner, target):
    pieces = [b"x" * 8191, b"y" * 10]
    upload = Chunked(owner, target, length=8201, pieces=pieces)
    assert upload.send(upload.body()).refusal == (400, "InvalidChunkSizeError")


def test_a_plain_body_under_the_word_for_chunks_is_refused(owner, target):
    upload = Chunked(owner, target)
    assert upload.send(PAYLOAD).refusal == (400, "IncompleteBody")


def test_a_chunked_body_under_no_word_for_chunks_is_taken_as_it_is_or_not_at_all(owner, make_bucket):
    name, _ = make_bucket()
    chunked = Chunked(owner, f"/{name}/k").body()
    headers = {"Content-Encoding": "aws-chunked"}
    assert owner.s3("PUT", f"/{name}/k", headers, chunked).status == 200
    assert owner.s3("GET", f"/{name}/k").body == chunked  # Somebody's own metadata does not unpack a body.
    digest = hashlib.sha256(PAYLOAD).hexdigest()
    headers["x-amz-decoded-content-length"] = str(len(PAYLOAD))
    answer = owner.s3("PUT", f"/{name}/k", headers, chunked, payload_hash=digest)
    assert answer.refusal == (400, "XAmzContentSHA256Mismatch")


@pytest.mark.parametrize("word", [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER])
def test_other_operations_take_no_chunked_bodies(owner, world, word):
    for method, target in (("POST", f"/{world.name}?delete"), ("PUT", f"/{world.name}?versioning")):
        answer = owner.s3(
            method, target, {"x-amz-decoded-content-length": "1"}, b"1\r\nx\r\n0\r\n\r\n", payload_hash=word
        )
        assert answer.refusal == (400, "InvalidRequest")


# -- Trailers ---------------------------------------------------------------------------------------------------------
def crc32(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


def trailer_upload(owner, target, word=UNSIGNED_TRAILER, announced="x-amz-checksum-crc32"):
    return Chunked(owner, target, word=word, extra={"x-amz-trailer": announced})


def unsigned_body(end: bytes) -> bytes:
    return b"%x\r\n%b\r\n0\r\n" % (len(PAYLOAD), PAYLOAD) + end


def test_a_right_trailer_is_accepted_on_an_unsigned_body_and_on_a_signed_one(owner, make_bucket):
    name, _ = make_bucket()
    line = f"x-amz-checksum-crc32:{crc32(PAYLOAD)}"
    upload = trailer_upload(owner, f"/{name}/unsigned")
    assert upload.send(unsigned_body(f"{line}\r\n\r\n".encode())).status == 200
    upload = trailer_upload(owner, f"/{name}/signed", SIGNED_TRAILER)
    signature = upload.trailer_signature(f"{line}\n".encode())
    assert upload.send(upload.body(end=f"{line}\r\nx-amz-trailer-signature:{signature}\r\n\r\n".encode())).status == 200


@pytest.mark.parametrize(
    "end",
    [
        "", "\r\n", "x-amz-checksum-crc32:\r\n\r\n", "x-amz-checksum-crc32:AAAAAA==\r\n\r\n", "x-amz-checksum-crc32\r\n\r\n",
        "x-amz-checksum-crc32c:{crc}\r\n\r\n", "x-amz-checksum-crc32:{crc}\r\nx-amz-checksum-crc32:{crc}\r\n\r\n",
        "x-amz-checksum-crc32:{crc}\r\nx-amz-acl:public-read\r\n\r\n", "x-amz-meta-a:b\r\n\r\n", "x-amz-checksum-crc32:{crc}é\r\n\r\n",
        "content-type:text/html\r\nx-amz-checksum-crc32:{crc}\r\n\r\n", "x-amz-checksum-crc32:{crc}\r\n" + "x:y\r\n" * 2000,
        "x-amz-checksum-crc32:{crc}\0\r\n\r\n", ":\r\n\r\n",
    ],
)  # fmt: skip
def test_a_wrong_trailer_is_refused(owner, target, end):
    text = end.replace("{crc}", crc32(PAYLOAD)).encode()
    assert trailer_upload(owner, target).send(unsigned_body(text)).refusal[1] in {
        "BadDigest", "InvalidRequest", "MalformedTrailerError", "IncompleteBody",
    }  # fmt: skip


def test_a_trailer_whose_signature_is_missing_or_wrong_is_refused(owner, target):
    line = f"x-amz-checksum-crc32:{crc32(PAYLOAD)}"
    other = "x-amz-checksum-crc32:AAAAAA=="
    upload = trailer_upload(owner, target, SIGNED_TRAILER)
    right = upload.trailer_signature(f"{line}\n".encode())
    for end in (
        f"{line}\r\n\r\n",
        f"{line}\r\nx-amz-trailer-signature:\r\n\r\n",
        f"{line}\r\nx-amz-trailer-signature:{'0' * 64}\r\n\r\n",
        f"{other}\r\nx-amz-trailer-signature:{right}\r\n\r\n",
        f"{line}\r\nx-amz-trailer-signature:{right}\r\nx-amz-trailer-signature:{right}\r\n\r\n",
        f"x-amz-trailer-signature:{right}\r\n\r\n",
    ):
        assert upload.send(upload.body(end=end.encode())).refusal[1] in {
            "SignatureDoesNotMatch",
            "MalformedTrailerError",
        }


@pytest.mark.parametrize(
    "announced", ["x-amz-meta-a", "content-md5", "x-amz-checksum-nope", "x-amz-checksum-crc32,x-amz-checksum-sha1", "*"]
)
def test_a_trailer_that_is_no_single_checksum_cannot_be_announced(owner, target, announced):
    assert trailer_upload(owner, target, announced=announced).send(unsigned_body(b"\r\n")).refusal == (
        400,
        "InvalidRequest",
    )


def test_chunks_within_chunks_of_http_are_framed_twice(server, owner, make_bucket):
    name, _ = make_bucket()
    upload = Chunked(owner, f"/{name}/k")
    inner = upload.body()
    lines = [f"PUT /{name}/k HTTP/1.1", *(f"{field}: {value}" for field, value in upload.headers.items())]
    head = "\r\n".join([*lines, "Transfer-Encoding: chunked", "Connection: close", "", ""]).encode()
    outer = b"".join(
        b"%x\r\n%b\r\n" % (len(inner[at : at + 1000]), inner[at : at + 1000]) for at in range(0, len(inner), 1000)
    )
    (answer,) = converse(server, head + outer + b"0\r\nx-amz-meta-late: x\r\n\r\n")
    assert answer.status == 200
    stored = owner.s3("GET", f"/{name}/k")
    assert stored.body == PAYLOAD
    assert "x-amz-meta-late" not in stored.headers
