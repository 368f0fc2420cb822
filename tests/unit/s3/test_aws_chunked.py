from __future__ import annotations

import hashlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from undercroft import limits
from undercroft.s3.aws_chunked import ChunkedDecoder, ChunkSignatures
from undercroft.s3.errors import S3Error
from undercroft.s3.sigv4 import EMPTY_SHA256, ChunkSeed, sign, signing_key

CRC32 = b"x-amz-checksum-crc32"
CRC32C = b"x-amz-checksum-crc32c"

# The published example of the scheme: 66560 times the letter a, in chunks of 65536, 1024 and 0 bytes.
EXAMPLE_KEY = signing_key("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", b"20130524", b"us-east-1")
EXAMPLE_SCOPE = b"20130524/us-east-1/s3/aws4_request"
SEED = b"4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"
SIGNATURES = (
    b"ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    b"0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    b"b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
)
TRAILER_SEED = b"106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e"
TRAILER_SIGNATURES = (
    b"b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    b"1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    b"2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
)
TRAILER = b"x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:"
TRAILER_SIGNATURE = b"d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435"


def seed_of(signature: bytes) -> ChunkSeed:
    return ChunkSeed(EXAMPLE_KEY, b"20130524T000000Z", EXAMPLE_SCOPE, signature)


def example_body(signatures=SIGNATURES, end=b"\r\n") -> bytes:
    return b"".join(
        (
            b"10000;chunk-signature=" + signatures[0] + b"\r\n" + b"a" * 65536 + b"\r\n",
            b"400;chunk-signature=" + signatures[1] + b"\r\n" + b"a" * 1024 + b"\r\n",
            b"0;chunk-signature=" + signatures[2] + b"\r\n" + end,
        )
    )


def example_decoder() -> ChunkedDecoder:
    return ChunkedDecoder(66560, ChunkSignatures(seed_of(SEED)), frozenset())


def trailer_decoder(announced=frozenset({CRC32C})) -> ChunkedDecoder:
    return ChunkedDecoder(66560, ChunkSignatures(seed_of(TRAILER_SEED)), announced)


def decode(decoder: ChunkedDecoder, *pieces: bytes) -> bytes:
    payload = b"".join(part for piece in pieces for part in decoder.feed(piece))
    decoder.finish()
    return payload


def unsigned(body: bytes, length: int, *announced: bytes) -> bytes:
    return decode(ChunkedDecoder(length, None, frozenset(announced)), body)


def refused(decoder: ChunkedDecoder, *pieces: bytes) -> S3Error:
    with pytest.raises(S3Error) as caught:
        decode(decoder, *pieces)
    return caught.value


def refused_unsigned(body: bytes, length: int, *announced: bytes) -> S3Error:
    return refused(ChunkedDecoder(length, None, frozenset(announced)), body)


def cut(data: bytes, places: list[int]) -> list[bytes]:
    bounds = [0, *sorted(place % (len(data) + 1) for place in places), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(bounds)]


def framed(chunks: list[bytes], seed: ChunkSeed | None = None, trailer: bytes = b"") -> bytes:
    """A body of these chunks; signed where there is a seed."""
    body = []
    previous = b"" if seed is None else seed.signature
    for chunk in [*chunks, b""]:
        line = b"%x" % len(chunk)
        if seed is not None:
            digest = hashlib.sha256(chunk).hexdigest().encode()
            lines = (b"AWS4-HMAC-SHA256-PAYLOAD", seed.timestamp, seed.scope, previous, EMPTY_SHA256.encode(), digest)
            previous = sign(seed.key, b"\n".join(lines))
            line += b";chunk-signature=" + previous
        body.append(line + b"\r\n" + (chunk + b"\r\n" if chunk else b""))
    return b"".join(body) + trailer + b"\r\n"


# -- Signed chunks ----------------------------------------------------------------------------------------------------
def test_published_signed_chunks():
    assert decode(example_decoder(), example_body()) == b"a" * 66560


@pytest.mark.parametrize("position", [100, 65536, 65536 + 200, 66560 + 150])
def test_one_changed_byte_of_payload_breaks_the_signature(position):
    body = bytearray(example_body())
    assert body[position] == ord("a")
    body[position] = ord("b")
    error = refused(example_decoder(), bytes(body))
    assert (error.code, error.status) == ("SignatureDoesNotMatch", 403)


@pytest.mark.parametrize("number", [0, 1, 2])
def test_one_changed_signature_breaks_the_chain(number):
    signatures = list(SIGNATURES)
    signatures[number] = signatures[number][::-1]
    assert refused(example_decoder(), example_body(tuple(signatures))).code == "SignatureDoesNotMatch"


def test_chunks_cannot_change_places():
    first, second = b"a" * 8192, b"b" * 8192
    body = framed([first, second], seed_of(SEED))
    lines = body.split(b"\r\n")
    assert (lines[1], lines[3]) == (first, second)
    swapped = b"\r\n".join([*lines[2:4], *lines[0:2], *lines[4:]])
    for sent, accepted in ((body, True), (swapped, False)):
        decoder = ChunkedDecoder(16384, ChunkSignatures(seed_of(SEED)), frozenset())
        if accepted:
            assert decode(decoder, sent) == first + second
        else:
            assert refused(decoder, sent).code == "SignatureDoesNotMatch"


def test_published_signed_trailer():
    body = example_body(TRAILER_SIGNATURES, TRAILER + TRAILER_SIGNATURE + b"\r\n\r\n")
    decoder = trailer_decoder()
    assert decode(decoder, body) == b"a" * 66560
    assert decoder.trailers == {CRC32C: b"sOO8/Q=="}


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (TRAILER + TRAILER_SIGNATURE[::-1] + b"\r\n\r\n", "SignatureDoesNotMatch"),
        (TRAILER.replace(b"sOO8", b"sOO9") + TRAILER_SIGNATURE + b"\r\n\r\n", "SignatureDoesNotMatch"),
        (b"x-amz-checksum-crc32c:sOO8/Q==\r\n\r\n", "MalformedTrailerError"),
        (TRAILER + TRAILER_SIGNATURE + b"\r\nx-amz-trailer-signature:" + TRAILER_SIGNATURE, "MalformedTrailerError"),
        (b"x-amz-trailer-signature:" + TRAILER_SIGNATURE + b"\r\n\r\n", "MalformedTrailerError"),
        (b"\r\n", "MalformedTrailerError"),
    ],
    ids=["wrong signature", "wrong value", "no signature", "two signatures", "nothing signed", "nothing at all"],
)
def test_a_trailer_must_be_signed_where_chunks_are(end, code):
    assert refused(trailer_decoder(), example_body(TRAILER_SIGNATURES, end)).code == code


def test_a_trailer_that_is_not_announced_may_be_missing_with_its_signature():
    assert decode(trailer_decoder(frozenset()), example_body(TRAILER_SIGNATURES))


def test_a_signature_over_no_trailer_is_checked_too():
    end = b"x-amz-trailer-signature:" + TRAILER_SIGNATURE + b"\r\n\r\n"
    error = refused(trailer_decoder(frozenset()), example_body(TRAILER_SIGNATURES, end))
    assert error.code == "SignatureDoesNotMatch"


@pytest.mark.parametrize("line", [b"2000", b"2000;chunk-sig=00", b"2000;" + b"0" * 64])
def test_a_chunk_without_a_signature_is_broken_framing_where_chunks_are_signed(line):
    assert refused(example_decoder(), line + b"\r\n").code == "IncompleteBody"


# -- Unsigned chunks --------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "end",
    [
        b"x-amz-checksum-crc32:DUoRhQ==\r\n\r\n",  # botocore
        b"x-amz-checksum-crc32:DUoRhQ==\n\r\n\r\n",  # minio-go
        b"x-amz-checksum-crc32:DUoRhQ==\r\n",
        b"x-amz-checksum-crc32:DUoRhQ==",
        b"X-Amz-Checksum-Crc32: DUoRhQ== \r\n\r\n",
        b"\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n",
    ],
)
def test_a_trailer_may_end_in_any_of_the_known_ways(end):
    decoder = ChunkedDecoder(11, None, frozenset({CRC32}))
    assert decode(decoder, b"b\r\nhello world\r\n0\r\n" + end) == b"hello world"
    assert decoder.trailers == {CRC32: b"DUoRhQ=="}


def test_a_body_without_a_trailer_is_whole():
    assert unsigned(b"B\r\nhello world\r\n0\r\n\r\n", 11) == b"hello world"


def test_an_empty_body_is_one_empty_chunk():
    assert unsigned(b"0\r\n\r\n", 0) == b""


def test_sizes_may_have_leading_zeros_and_extensions():
    assert unsigned(b"000b;chunk-signature=ignored\r\nhello world\r\n00\r\n\r\n", 11) == b"hello world"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"b",
        b"b\r\n",
        b"b\r\nhello",
        b"b\r\nhello world",
        b"b\r\nhello world\r\n",
        b"b\r\nhello world\r\n0",
        b"b\r\nhello worldX\r\n0\r\n\r\n",
        b"b\r\nhello world\n0\r\n\r\n",
        b"b\nhello world\r\n0\r\n\r\n",
        b"c\r\nhello world!\r\n0\r\n\r\n",
        b"a\r\nhello worl\r\n0\r\n\r\n",
        b"\r\nhello world\r\n0\r\n\r\n",
        b"-b\r\nhello world\r\n0\r\n\r\n",
        b"0xb\r\nhello world\r\n0\r\n\r\n",
        b" b\r\nhello world\r\n0\r\n\r\n",
        b"1_1\r\nhello world\r\n0\r\n\r\n",
        b"hello world",
        b"hello world\r\n",
        b"0000000000000000b\r\nhello world\r\n0\r\n\r\n",
        b"0\r\n\r\n",
    ],
)
def test_broken_framing_is_an_incomplete_body(body):
    error = refused_unsigned(body, 11)
    assert (error.code, error.status) == ("IncompleteBody", 400)
    assert list(error.extras) == ["NumberBytesExpected", "NumberBytesProvided"]
    assert error.extras["NumberBytesExpected"] == "11"


def test_an_incomplete_body_says_how_much_came():
    assert refused_unsigned(b"b\r\nhello", 11).extras["NumberBytesProvided"] == "5"


def test_a_chunk_is_refused_as_soon_as_it_promises_too_much():
    decoder = ChunkedDecoder(11, None, frozenset())
    with pytest.raises(S3Error, match="IncompleteBody"):
        decoder.feed(b"ffffffffffffffff\r\n")


@pytest.mark.parametrize(
    ("size", "accepted"),
    [
        (limits.AWS_CHUNK_MIN_BYTES - 1, False),
        (limits.AWS_CHUNK_MIN_BYTES, True),
        (limits.AWS_CHUNK_MIN_BYTES + 1, True),
    ],
)
def test_only_the_last_chunk_may_be_small(size, accepted):
    body = framed([b"a" * 10_000, b"b" * size, b"c"])
    if accepted:
        assert len(unsigned(body, 10_001 + size)) == 10_001 + size
    else:
        error = refused_unsigned(body, 10_001 + size)
        assert (error.code, error.status) == ("InvalidChunkSizeError", 400)
        assert error.extras == {"Chunk": "2", "BadChunkSize": str(size)}


@pytest.mark.parametrize("length", [limits.AWS_CHUNK_LINE_MAX_BYTES, limits.AWS_CHUNK_LINE_MAX_BYTES + 1])
def test_a_line_of_framing_has_a_limit(length):
    line = b"b;" + b"x" * (length - 4) + b"\r\n"
    assert len(line) == length
    body = line + b"hello world\r\n0\r\n\r\n"
    if length <= limits.AWS_CHUNK_LINE_MAX_BYTES:
        assert unsigned(body, 11) == b"hello world"
    else:
        assert refused_unsigned(body, 11).code == "IncompleteBody"


def test_a_line_that_never_ends_is_cut_off_at_its_limit():
    decoder = ChunkedDecoder(11, None, frozenset())
    for _ in range(limits.AWS_CHUNK_LINE_MAX_BYTES):
        decoder.feed(b"0")
    with pytest.raises(S3Error, match="IncompleteBody"):
        decoder.feed(b"0")


@pytest.mark.parametrize("blanks", [limits.AWS_TRAILERS_MAX_BYTES, limits.AWS_TRAILERS_MAX_BYTES + 1])
def test_the_trailer_has_a_limit_even_where_it_is_blank(blanks):
    body = b"b\r\nhello world\r\n0\r\n" + b"\n" * blanks
    if blanks <= limits.AWS_TRAILERS_MAX_BYTES:
        assert unsigned(body, 11) == b"hello world"
    else:
        assert refused_unsigned(body, 11).code == "MalformedTrailerError"


@pytest.mark.parametrize(
    ("end", "announced"),
    [
        (b"x-amz-checksum-crc32:DUoRhQ==\r\n\r\n", ()),
        (b"x-amz-checksum-sha1:DUoRhQ==\r\n\r\n", (CRC32,)),
        (b"x-amz-checksum-crc32:DUoRhQ==\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n", (CRC32,)),
        (b"x-amz-checksum-crc32\r\n\r\n", (CRC32,)),
        (b"x-amz-trailer-signature:" + b"0" * 64 + b"\r\n\r\n", ()),
        (b"more payload\r\n", (CRC32,)),
        (b"\r\n", (CRC32,)),
    ],
    ids=["none announced", "another announced", "twice", "no value", "unasked signature", "no trailer", "missing"],
)
def test_a_trailer_must_be_the_one_that_is_announced(end, announced):
    error = refused_unsigned(b"b\r\nhello world\r\n0\r\n" + end, 11, *announced)
    assert (error.code, error.status) == ("MalformedTrailerError", 400)


def test_a_whole_piece_of_payload_is_handed_on_without_a_copy():
    decoder = ChunkedDecoder(1 << 20, None, frozenset())
    decoder.feed(b"100000\r\n")
    piece = b"a" * 65536
    (payload,) = decoder.feed(piece)
    assert payload is piece


# -- Any way of cutting -----------------------------------------------------------------------------------------------
sizes = st.lists(st.integers(limits.AWS_CHUNK_MIN_BYTES, limits.AWS_CHUNK_MIN_BYTES + 300), max_size=3)


@given(sizes=sizes, last=st.integers(1, 500), places=st.lists(st.integers(0, 1 << 20), max_size=30), sign=st.booleans())
def test_where_the_body_is_cut_makes_no_difference(*, sizes, last, places, sign):
    chunks = [bytes([65 + number]) * size for number, size in enumerate([*sizes, last])]
    seed = seed_of(SEED) if sign else None
    body = framed(chunks, seed)
    signatures = None if seed is None else ChunkSignatures(seed)
    decoder = ChunkedDecoder(sum(map(len, chunks)), signatures, frozenset())
    assert decode(decoder, *cut(body, places)) == b"".join(chunks)


def test_a_body_may_come_byte_by_byte():
    body = example_body(TRAILER_SIGNATURES, TRAILER + TRAILER_SIGNATURE + b"\r\n\r\n")
    pieces = [body[index : index + 1] for index in range(len(body))]
    assert decode(trailer_decoder(), *pieces) == b"a" * 66560


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=8), st.booleans())
def test_garbage_is_refused_with_an_s3_error_or_decoded_but_never_anything_else(body, places, sign):
    decoder = ChunkedDecoder(20, ChunkSignatures(seed_of(SEED)) if sign else None, frozenset({CRC32}))
    try:
        outcome = len(decode(decoder, *cut(body, places)))
    except S3Error as error:
        outcome = error.code
    assert outcome in {20, "IncompleteBody", "InvalidChunkSizeError", "MalformedTrailerError", "SignatureDoesNotMatch"}
